// SPDX-License-Identifier: Apache-2.0
// What an extracted folder says of itself, and whether that is still so. Its name is the SHA-256 of the list of its
// files, so a manifest cannot be exchanged for another; each file is compared with its line in it. A file that
// the file system shows unchanged since it was last read (inode, size, times: nobody but root can set a change time
// back) is not read again, which makes looking cheap enough for every start.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

export const MANIFEST = 'manifest.json'

const fileSchema = z.object({
  /** Relative to the folder. */
  path: z.string().min(1),
  mode: z.number().int(),
  size: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** As the file system showed the file when its content was last known. */
  seen: z.object({ inode: z.string(), modified: z.string(), changed: z.string() }),
})
export type ExtractedFile = z.infer<typeof fileSchema>
const manifestSchema = z.object({ version: z.literal(1), files: z.array(fileSchema).min(1) })

/** Name of the folder that holds these files: SHA-256 over paths, modes, sizes and contents. */
export function identityOf(files: readonly ExtractedFile[]): string {
  const lines = files.map(({ path, mode, size, sha256 }) => [path, mode, size, sha256])
  const sorted = lines.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
}

export const manifestText = (files: readonly ExtractedFile[]): string =>
  `${JSON.stringify({ version: 1, files }, null, 1)}\n`

export type Verdict =
  /** `reread`: files whose content is right, but which changed on the outside; their lines are renewed. */
  | { readonly intact: true; readonly files: readonly ExtractedFile[]; readonly reread: number }
  | { readonly intact: false; readonly reason: string }

/** Whether the folder holds exactly what its name stands for. Never throws for what may be in it. */
export async function examine(dir: string, identity: string): Promise<Verdict> {
  try {
    const text = await readFile(join(dir, MANIFEST), 'utf8')
    const { files } = manifestSchema.parse(JSON.parse(text))
    if (identityOf(files) !== identity) return { intact: false, reason: 'another manifest' }
    const stranger = (await listFiles(dir)).find(
      (path) => path !== MANIFEST && !files.some((file) => file.path === path),
    )
    if (stranger !== undefined) return { intact: false, reason: `${stranger} does not belong` }
    const renewed: ExtractedFile[] = []
    for (const file of files) {
      const now = await look(dir, file)
      if (now === undefined) return { intact: false, reason: `${file.path} is not what it was` }
      renewed.push(now)
    }
    const reread = renewed.filter((file, index) => file !== files[index]).length
    return { intact: true, files: renewed, reread }
  } catch (error) {
    return { intact: false, reason: (error as Error).message }
  }
}

/** The line as it is, a renewed one if only the outside differs, undefined if the file is another. */
async function look(dir: string, file: ExtractedFile): Promise<ExtractedFile | undefined> {
  const path = join(dir, file.path)
  const found = await lstat(path, { bigint: true })
  if (!found.isFile() || (Number(found.mode) & 0o777) !== file.mode) return undefined
  if (Number(found.size) !== file.size) return undefined
  const seen = seenIn(found)
  if (JSON.stringify(seen) === JSON.stringify(file.seen)) return file
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === file.sha256 ? { ...file, seen } : undefined
}

export const seenIn = (stats: {
  ino: bigint
  mtimeNs: bigint
  ctimeNs: bigint
}): ExtractedFile['seen'] => ({
  inode: String(stats.ino),
  modified: String(stats.mtimeNs),
  changed: String(stats.ctimeNs),
})

/** Everything but folders, relative to `dir`. */
async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
}
