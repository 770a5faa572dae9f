// SPDX-License-Identifier: Apache-2.0
// The commands of `microvm image` beside ls and load: what is in an image, and what becomes of it.
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MicrovmError } from '../../contract/errors'
import type { ExportFormat, FileEntry, FileView } from '../../contract/images'
import { explainFullDisk, roomText } from '../lib/full-disk'
import { parseDuration, parsePlace, usage } from './arguments'
import type { CommandContext } from './context'
import { exitCodes } from './exit-codes'
import { formatBytes, formatChanges, formatEntries, formatHistory } from './format'

const PAGE = 1000

export async function inspect(context: CommandContext, name: string): Promise<number> {
  const { images } = await context.engine()
  const image = await images.view(name)
  context.output.result(image, JSON.stringify(image, null, 2))
  return exitCodes.ok
}

export async function history(context: CommandContext, name: string): Promise<number> {
  const { images } = await context.engine()
  const { layers } = await images.view(name)
  context.output.result(layers, formatHistory(layers))
  return exitCodes.ok
}

export async function files(
  context: CommandContext,
  name: string,
  path: string,
  { layer }: { layer?: string },
): Promise<number> {
  const { digest, layers } = await open(context, name)
  const view = layer === undefined ? {} : { layer: parsePlace(layer, layers.length, '--layer') }
  const entries = await list(context, digest, view, path.replace(/^\/+|\/+$/g, ''))
  context.output.result(entries, formatEntries(entries))
  return exitCodes.ok
}

export async function diff(
  context: CommandContext,
  name: string,
  { layer }: { layer?: string },
): Promise<number> {
  const { digest, layers } = await open(context, name)
  if (layer === undefined) {
    context.output.result(layers, formatChanges(layers))
    return exitCodes.ok
  }
  const view = { layer: parsePlace(layer, layers.length, '--layer'), changesOnly: true }
  const changes = await listChanges(context, digest, view, '')
  const signs = { added: 'A', changed: 'C', removed: 'D' }
  const lines = changes.map(({ change, path }) => `${signs[change]} /${path}`)
  context.output.result(changes, lines.join('\n'))
  return exitCodes.ok
}

export async function remove(context: CommandContext, names: readonly string[]): Promise<number> {
  const { images } = await context.engine()
  for (const name of names) await images.remove(name)
  context.output.result({ removed: names }, names.join('\n'))
  return exitCodes.ok
}

export async function tag(context: CommandContext, name: string, to: string): Promise<number> {
  const { images } = await context.engine()
  const { reference } = (await images.tag(name, to)).view
  context.output.result(await images.view(reference), reference)
  return exitCodes.ok
}

export async function prune(
  context: CommandContext,
  {
    all = false,
    unusedFor,
    dryRun = false,
  }: { all?: boolean; unusedFor?: string; dryRun?: boolean },
): Promise<number> {
  const age =
    unusedFor === undefined ? {} : { unusedForMs: parseDuration(unusedFor, '--unused-for') }
  const { images } = await context.engine()
  const report = await images.prune({ all, dryRun, ...age })
  context.output.result(report, [...report.images, ...(report.disks ?? [])].join('\n'))
  context.output.note(`${dryRun ? 'Would free' : 'Freed'} ${formatBytes(report.bytes)}.`)
  return exitCodes.ok
}

export async function save(
  context: CommandContext,
  name: string,
  { output: path, format }: { output?: string; format: ExportFormat },
): Promise<number> {
  const { terminal, cancel, output } = context
  const { images } = await context.engine()
  if (path === undefined) {
    if (terminal.stdout.isTTY || output.json)
      throw usage('an archive is nothing to look at', 'Give a file with -o, or pipe it on.')
    const archive = await images.exportImage(name, format, cancel)
    await pipeline(archive, terminal.stdout, { signal: cancel, end: false })
    return exitCodes.ok
  }
  const target = resolve(path)
  const archive = await images.exportImage(name, format, cancel)
  const file = createWriteStream(target, { flags: 'wx' })
  try {
    await pipeline(archive, file, { signal: cancel })
  } catch (error) {
    // What is there already is not ours to remove.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new MicrovmError('ALREADY_EXISTS', `${target} exists already`)
    await rm(target, { force: true })
    const room = roomText(file.bytesWritten)
    throw explainFullDisk(error, dirname(target), `the archive takes more than the ${room} free`)
  }
  context.output.result({ file: target, format, bytes: file.bytesWritten }, target)
  return exitCodes.ok
}

async function open(context: CommandContext, name: string) {
  const { browser } = await context.engine()
  return browser.open(name, context.cancel)
}

async function list(
  context: CommandContext,
  digest: string,
  view: FileView,
  path: string,
): Promise<FileEntry[]> {
  const { browser } = await context.engine()
  const entries: FileEntry[] = []
  for (;;) {
    const args = { view, path, offset: entries.length, limit: PAGE }
    const page = await browser.ask(digest, 'list', args, context.cancel)
    entries.push(...page.entries)
    if (entries.length >= page.total || page.entries.length === 0) return entries
  }
}

interface Change {
  readonly path: string
  readonly change: NonNullable<FileEntry['change']>
}

/** Depth first. What is inside a removed folder went with it and is not listed. */
async function listChanges(
  context: CommandContext,
  digest: string,
  view: FileView,
  folder: string,
): Promise<Change[]> {
  const changes: Change[] = []
  for (const { name, type, change } of await list(context, digest, view, folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (change !== undefined) changes.push({ path, change })
    if (type === 'directory' && change !== 'removed')
      changes.push(...(await listChanges(context, digest, view, path)))
  }
  return changes
}
