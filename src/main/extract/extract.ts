// SPDX-License-Identifier: Apache-2.0
// Puts copies of files into a folder of their own, once for each content: <into>/<SHA-256 of the list of files>, 0700.
// Any number of processes may ask at once: one copies, the others wait for it and get the same folder.
// Always holds: a folder of such a name is whole when it appears (its manifest is written last, then it is renamed), and
// one that was changed since is set aside and made anew before anyone gets it.
import { createHash } from 'node:crypto'
import { access, chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { syncFolder, writeFileAtomic } from '../lib/atomic-file'
import { withFileLock } from '../lib/file-lock'
import { ignoreMissing } from '../lib/ignore-missing'
import type { Logger } from '../lib/logger'
import { writeFully } from '../rootfs/write-fully'
import { examine, identityOf, MANIFEST, manifestText, seenIn, type ExtractedFile } from './manifest'

export interface SourceFile {
  /** Where it goes, relative to the folder. */
  readonly path: string
  readonly from: string
  readonly executable: boolean
}

export interface ExtractOptions {
  /** The folder of all extracted folders; made if missing. */
  readonly into: string
  readonly logger: Logger
  readonly signal?: AbortSignal | undefined
  /** Called under the lock after something new was extracted, with the folder's name. */
  readonly onNew?: (identity: string) => Promise<void>
}

const CHUNK_BYTES = 1024 * 1024
/** Only ever used under the lock. */
const SCRATCH = '.new'
const zeros = Buffer.alloc(CHUNK_BYTES)
const sourcesSchema = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))

/**
 * The folder that holds copies of these files.
 * @returns its absolute path; it stays as long as nobody removes it
 * @throws DISK_FULL, PERMISSION_DENIED, CANCELLED, INTERNAL; nothing half-made is left then
 */
export async function extract(
  files: readonly SourceFile[],
  options: ExtractOptions,
): Promise<string> {
  const { into, logger } = options
  try {
    await mkdir(into, { recursive: true, mode: 0o700 })
    const work = async (): Promise<string> => {
      const source = await fingerprint(files)
      const known = await readSources(into)
      const identity = known[source]
      if (identity !== undefined && (await isUsable(join(into, identity), identity, logger)))
        return join(into, identity)
      const made = await copyAll(files, options, identity)
      await writeFileAtomic(
        sourcesFile(into),
        `${JSON.stringify({ ...known, [source]: made }, null, 1)}\n`,
      )
      await options.onNew?.(made)
      return join(into, made)
    }
    return await withFileLock(join(into, 'lock'), work, signalOf(options))
  } catch (error) {
    throw MicrovmError.inContext(`unpack the app's parts into ${into}`, error)
  }
}

const signalOf = ({ signal }: ExtractOptions): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal }
const sourcesFile = (into: string): string => join(into, 'sources.json')

/** What tells one set of sources from another without reading them: no package is changed in place. */
async function fingerprint(files: readonly SourceFile[]): Promise<string> {
  const hash = createHash('sha256')
  for (const { path, from, executable } of files) {
    const { size, mtimeMs } = await stat(from)
    hash.update(`${JSON.stringify([path, executable, size, mtimeMs])}\n`)
  }
  return hash.digest('hex')
}

/** Fingerprint → identity, as found so far; a damaged file only costs copying once more. */
async function readSources(into: string): Promise<Record<string, string>> {
  try {
    return sourcesSchema.parse(JSON.parse(await readFile(sourcesFile(into), 'utf8')))
  } catch {
    return {}
  }
}

async function isUsable(dir: string, identity: string, logger: Logger): Promise<boolean> {
  if (!(await exists(dir))) return false
  const verdict = await examine(dir, identity)
  if (!verdict.intact) {
    logger.warn('extracted parts are made anew', { dir, reason: verdict.reason })
    return false
  }
  if (verdict.reread > 0) await writeFileAtomic(join(dir, MANIFEST), manifestText(verdict.files))
  return true
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/**
 * @param unusable the identity of a folder that has been looked at already
 * @returns the identity of the folder, which is in place
 */
async function copyAll(
  files: readonly SourceFile[],
  options: ExtractOptions,
  unusable: string | undefined,
): Promise<string> {
  const { into, logger, signal } = options
  const scratch = join(into, SCRATCH)
  try {
    // What a process left that was killed while it held the lock.
    await rm(scratch, { recursive: true, force: true })
    await mkdir(scratch, { mode: 0o700 })
    const copies: ExtractedFile[] = []
    for (const file of files) {
      signal?.throwIfAborted()
      copies.push(await copyFile(file, scratch))
    }
    const identity = identityOf(copies)
    const target = join(into, identity)
    // The same content from elsewhere: the one that is there may be in use.
    if (identity !== unusable && (await isUsable(target, identity, logger))) return identity
    await writeFileAtomic(join(scratch, MANIFEST), manifestText(copies))
    // Whoever runs from what is there keeps its open files.
    await rename(target, join(scratch, '.old')).catch(ignoreMissing)
    await rename(scratch, target)
    await syncFolder(into)
    await rm(join(target, '.old'), { recursive: true, force: true })
    return identity
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Holes stay holes: a disk's template is mostly nothing. */
async function copyFile(
  { path, from, executable }: SourceFile,
  dir: string,
): Promise<ExtractedFile> {
  const to = join(dir, path)
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const mode = executable ? 0o500 : 0o400
  const source = await open(from, 'r')
  const copy = await open(to, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    let size = 0
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null)
      if (bytesRead === 0) break
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      if (!chunk.equals(zeros.subarray(0, bytesRead))) await writeFully(copy, chunk, size)
      size += bytesRead
    }
    await copy.truncate(size)
    await chmod(to, mode)
    await copy.sync()
    const seen = seenIn(await copy.stat({ bigint: true }))
    return { path, mode, size, sha256: hash.digest('hex'), seen }
  } finally {
    await source.close()
    await copy.close()
  }
}
