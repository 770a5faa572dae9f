// SPDX-License-Identifier: Apache-2.0
// Reading our own JSON files, which a crash, a full disk or a hand may have damaged.
import { readFile, readdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'

/** What a file of ours turned out to be. */
export type Loaded<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'missing' }
  /** Set aside (STATE_CORRUPT), written by a newer version and left alone (STATE_VERSION), or unreadable. */
  | { readonly kind: 'damaged'; readonly error: MicrovmError }

/** As `Loaded`, before anything is done about a corrupt file. */
export type Examined<T> =
  Loaded<T> | { readonly kind: 'corrupt'; readonly reason: string; readonly error?: never }

const versioned = z.object({ version: z.number().int() })

/** Reads and validates; changes nothing on disk. */
export async function examineJson<T>(
  path: string,
  schema: z.ZodType<T>,
  newestVersion: number,
): Promise<Examined<T>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return await missingOrSetAside(path)
    return { kind: 'damaged', error: MicrovmError.inContext(`read ${path}`, error) }
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    return { kind: 'corrupt', reason: `not JSON: ${(error as Error).message}` }
  }
  const version = versioned.safeParse(content)
  if (version.success && version.data.version > newestVersion) {
    return { kind: 'damaged', error: fromNewerVersion(path, version.data.version) }
  }
  const parsed = schema.safeParse(content)
  return parsed.success
    ? { kind: 'found', value: parsed.data }
    : { kind: 'corrupt', reason: z.prettifyError(parsed.error) }
}

/** Renames a corrupt file to `<name>.corrupt-<time>` beside it. */
export async function setAside(path: string, reason: string): Promise<MicrovmError> {
  const aside = `${path}.corrupt-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      return MicrovmError.inContext(`set ${path} aside`, error)
    }
  }
  return corruptError(aside, reason)
}

/** A file that was set aside stays reported until a new one is written in its place. */
async function missingOrSetAside(path: string): Promise<Loaded<never>> {
  const folder = dirname(path)
  const names = await readdir(folder).catch((): string[] => [])
  const aside = names.filter((name) => name.startsWith(`${basename(path)}.corrupt-`)).toSorted()
  const latest = aside.at(-1)
  return latest === undefined
    ? { kind: 'missing' }
    : { kind: 'damaged', error: corruptError(join(folder, latest)) }
}

function corruptError(aside: string, reason?: string): MicrovmError {
  const why = reason === undefined ? '' : ` (${reason})`
  return new MicrovmError('STATE_CORRUPT', `a file could not be read${why}; kept as ${aside}`, {
    hint: 'Mend that file and give it its old name back, or delete the machine.',
  })
}

function fromNewerVersion(path: string, version: number): MicrovmError {
  return new MicrovmError('STATE_VERSION', `${path} has version ${version}, made by a newer app`, {
    hint: 'Update MicroVM Desktop to use this machine.',
  })
}
