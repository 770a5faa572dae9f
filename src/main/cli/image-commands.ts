// SPDX-License-Identifier: Apache-2.0
// The commands that bring images, and their list: pull, import, images.
import { resolve } from 'node:path'
import { usage } from './arguments'
import type { CommandContext } from './context'
import { exitCodes } from './exit-codes'
import { formatImages } from './format'

export async function pull(
  context: CommandContext,
  reference: string,
  {
    local = false,
    platform,
    plainHttp = false,
  }: { local?: boolean; platform?: string; plainHttp?: boolean },
): Promise<number> {
  const { images } = await context.engine()
  const from = local ? 'local' : 'remote'
  const choice = { from, plainHttp, ...(platform === undefined ? {} : { platform }) } as const
  const { view } = await images.pull(reference, { ...operation(context), ...choice })
  context.output.note(`${view.platform} ${view.digest}`)
  context.output.result(await images.view(view.reference), view.reference)
  return exitCodes.ok
}

export async function importImage(
  context: CommandContext,
  path: string,
  { name }: { name?: string },
): Promise<number> {
  const { images } = await context.engine()
  const options = { ...operation(context), ...(name === undefined ? {} : { reference: name }) }
  if (path === '-' && context.terminal.stdin.isTTY)
    throw usage('there is no archive on standard input', 'Give a file, or pipe one in.')
  const { view } = await (path === '-'
    ? images.importStream(context.terminal.stdin, options)
    : images.importPath(resolve(path), options))
  context.output.result(await images.view(view.reference), view.reference)
  return exitCodes.ok
}

export async function listImages(context: CommandContext): Promise<number> {
  const { images } = await context.engine()
  const all = await images.list()
  context.output.result(all, all.length === 0 ? '' : formatImages(all, Date.now()))
  if (all.length === 0) context.output.note('No images yet. Get one: microvm pull debian')
  return exitCodes.ok
}

const operation = ({ output, cancel }: CommandContext) => ({
  onProgress: output.progress,
  signal: cancel,
})
