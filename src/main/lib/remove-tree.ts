// SPDX-License-Identifier: Apache-2.0
// Deletes a folder whatever a guest has made of it: folders nobody may enter, paths longer than the
// system takes. Never follows a link. The guest must not run any more.
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What deleting the plain way answers to such folders. */
const obstacles = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG', 'ENOTEMPTY', 'ELOOP'])

/** No error if it is not there. @throws the system's error */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!obstacles.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    await removeFlattening(path)
  }
}

/** Takes every folder out of the one it lies in before it is emptied, so that no path is long. */
async function removeFlattening(path: string): Promise<void> {
  const pit = `${path}.${randomBytes(6).toString('hex')}.trash`
  await mkdir(pit, { mode: 0o700 })
  let count = 0
  const take = async (from: string): Promise<string> => {
    // To move a folder one must be able to write it: its '..' changes.
    await chmod(from, 0o700)
    const to = join(pit, String(count++))
    await rename(from, to)
    return to
  }
  const ahead = [await take(path)]
  for (let folder = ahead.pop(); folder !== undefined; folder = ahead.pop()) {
    for (const name of await readdir(folder, { encoding: 'buffer' })) {
      const child = Buffer.concat([Buffer.from(`${folder}/`), name])
      if ((await lstat(child)).isDirectory()) ahead.push(await take(child as unknown as string))
      else await unlink(child)
    }
    await rmdir(folder)
  }
  await rmdir(pit)
}
