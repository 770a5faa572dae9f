// SPDX-License-Identifier: Apache-2.0
// The commands of `microvm disk`.
import { resolve } from 'node:path'
import type { CommandContext } from './context'
import { exitCodes } from './exit-codes'
import { formatBytes, formatDisks } from './format'

interface PullOptions {
  readonly sha256?: string
  readonly plainHttp?: boolean
}

export async function pull(
  context: CommandContext,
  source: string,
  { sha256, plainHttp }: PullOptions,
): Promise<number> {
  const { cancel: signal, output } = context
  const { disks } = await context.engine()
  const onProgress = output.progress
  const disk = await disks.ensure(source, { sha256, plainHttp, signal, onProgress })
  output.note(`${formatBytes(disk.sizeBytes)} ${disk.digest}`)
  output.result(disk, disk.source)
  return exitCodes.ok
}

export async function importFile(
  context: CommandContext,
  path: string,
  options: PullOptions,
): Promise<number> {
  return pull(context, resolve(path), options)
}

export async function list(context: CommandContext): Promise<number> {
  const { disks } = await context.engine()
  const all = await disks.list()
  context.output.result(all, all.length === 0 ? '' : formatDisks(all, Date.now()))
  if (all.length === 0) context.output.note('No disk images yet. Get one: microvm disk pull URL')
  return exitCodes.ok
}

export async function verify(context: CommandContext, names: readonly string[]): Promise<number> {
  const { disks } = await context.engine()
  const sound = []
  for (const name of names) sound.push(await disks.verify(name, context.cancel))
  context.output.result(sound, sound.map(({ source, digest }) => `${digest} ${source}`).join('\n'))
  return exitCodes.ok
}

export async function remove(context: CommandContext, names: readonly string[]): Promise<number> {
  const { disks } = await context.engine()
  for (const name of names) await disks.remove(name)
  context.output.result({ removed: names }, names.join('\n'))
  return exitCodes.ok
}
