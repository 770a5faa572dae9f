// SPDX-License-Identifier: Apache-2.0
// The reference implementations that judge our EROFS: fsck.erofs, and the kernel of this machine.
// Mounting needs root and a kernel with EROFS; without them, what fsck.erofs extracts is compared,
// which shows everything but owners, devices, links and attributes.
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { lstat, mkdtemp, open, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getAttr, listAttrs } from 'fs-native-extensions'
import type { FsNode } from '../../src/main/image/tree/fs-tree'

const run = promisify(execFile)

export interface Listed {
  type: FsNode['type']
  mode: number
  uid: number
  gid: number
  /** Nanoseconds since the epoch. */
  mtime: string
  /** 0 for directories: theirs is the file system's own affair. */
  size: number
  links: number
  /** The first path, in byte order of the names, with the same inode. */
  sameAs: string
  target: string
  /** `major:minor` */
  device: string
  /** SHA-256 of a file. */
  content: string
  /** `name=hex`, sorted; of files and directories only, because they can be opened. */
  xattrs: string[]
}
/** Path with a leading slash ('' for the root) to what is there. */
export type Listing = Map<string, Listed>

export const canMount = ((): boolean => {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('modprobe', ['erofs'], { stdio: 'ignore' })
  } catch {
    // built in, or no module: the next line says
  }
  return readFileSync('/proc/filesystems', 'utf8').includes('\terofs')
})()

/** @throws what fsck.erofs has to say against the image */
export async function checkWithFsck(image: string): Promise<void> {
  const { stdout, stderr } = await run('fsck.erofs', [image])
  if (/corrupt|error|bogus|invalid/i.test(stdout + stderr)) throw new Error(stdout + stderr)
}

/** Everything in an image, as the kernel shows it, or failing that as fsck.erofs extracts it. */
export async function listImage(image: string): Promise<Listing> {
  return withImage(image, listFolder)
}

/** Gives `work` a folder with what is in the image. */
export async function withImage<T>(
  image: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'erofs-judge-'))
  if (!canMount) {
    try {
      await run('fsck.erofs', [`--extract=${join(folder, 'root')}`, '--preserve-perms', image])
      return await work(join(folder, 'root'))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  try {
    await run('mount', ['-t', 'erofs', '-o', 'ro,loop', image, folder])
    try {
      return await work(folder)
    } finally {
      // Lazily: a check that failed half-way may still hold files open.
      await run('umount', ['-l', folder])
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A listing without what an extraction by an ordinary user cannot show. */
export function comparable(listing: Listing): Listing {
  if (canMount) return listing
  const seen = [...listing].filter(([, { type }]) =>
    ['file', 'directory', 'symlink'].includes(type),
  )
  return new Map(
    seen.map(([path, listed]) => [
      path,
      { ...listed, uid: 0, gid: 0, mtime: '', links: 0, sameAs: '', xattrs: [] },
    ]),
  )
}

/** Everything in a folder. */
export async function listFolder(root: string): Promise<Listing> {
  const listing: Listing = new Map()
  const inodes = new Map<bigint, string>()
  const walk = async (path: string): Promise<void> => {
    const listed = await inspect(root + path)
    const { ino } = await lstat(root + path, { bigint: true })
    if (!inodes.has(ino)) inodes.set(ino, path)
    listing.set(path, { ...listed, sameAs: inodes.get(ino)! })
    if (listed.type !== 'directory') return
    const names = await readdir(root + path, { encoding: 'buffer' })
    for (const name of names.sort((a, b) => a.compare(b))) await walk(`${path}/${name.toString()}`)
  }
  await walk('')
  return listing
}

async function inspect(path: string): Promise<Omit<Listed, 'sameAs'>> {
  const stat = await lstat(path, { bigint: true })
  const type = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : stat.isCharacterDevice()
          ? 'char'
          : stat.isBlockDevice()
            ? 'block'
            : stat.isFIFO()
              ? 'fifo'
              : 'socket'
  const device = Number(stat.rdev)
  // glibc's layout of a 64-bit device number, as far as the kernel's 32 bits reach
  const major = Math.floor(device / 256) & 0xfff
  const minor = (device & 0xff) | (Math.floor(device / 4096) & 0xfff00)
  return {
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: String(stat.mtimeNs),
    size: type === 'directory' ? 0 : Number(stat.size),
    links: Number(stat.nlink),
    target: type === 'symlink' ? await readlink(path) : '',
    device: type === 'char' || type === 'block' ? `${major}:${minor}` : '',
    ...(await readOpened(path, type)),
  }
}

async function readOpened(
  path: string,
  type: Listed['type'],
): Promise<{ content: string; xattrs: string[] }> {
  if (type !== 'file' && type !== 'directory') return { content: '', xattrs: [] }
  const file = await open(path, 'r')
  try {
    const values = (await listAttrs(file.fd)).map(async (name) => {
      const value = await getAttr(file.fd, name)
      return `${name}=${value?.toString('hex') ?? ''}`
    })
    const xattrs = (await Promise.all(values)).sort()
    if (type === 'directory') return { content: '', xattrs }
    const hash = createHash('sha256')
    return { content: hash.update(await file.readFile()).digest('hex'), xattrs }
  } finally {
    await file.close()
  }
}
