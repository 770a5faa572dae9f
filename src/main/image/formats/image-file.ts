// SPDX-License-Identifier: Apache-2.0
// An image on this host's disk, whatever its form: a folder with an OCI layout, an archive of one,
// a `docker save` archive, a tar of a system's files, plain or gzipped. Told by content, not by name.
import { createWriteStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MicrovmError } from '../../../contract/errors'
import { explainFullDisk, roomText } from '../../lib/full-disk'
import { openBlob } from '../layers/blob-source'
import { decompress } from '../layers/decompress'
import { isDockerArchive, resolveFromDockerArchive } from './docker-archive'
import { quote } from '../digest'
import { folderInTar, folderOnDisk, type ImageFolder } from './image-folder'
import { MAX_IMAGE_TAR_BYTES } from '../limits'
import { isOciLayout, resolveFromLayout, type FoundImage, type ImportChoice } from './oci-layout'
import { parseReference } from '../reference'
import { resolveFromRootfs } from './rootfs-archive'

/**
 * Opens an image on disk and hands it to `use`; sources of its layers are good until that ends.
 * @param tempPath where a compressed archive is unpacked to, as one file; removed at the end
 * @throws NOT_FOUND, IMAGE_INVALID for what is no image, and as `resolveFromLayout`
 */
export async function withImageFile<T>(
  path: string,
  tempPath: string,
  choice: ImportChoice,
  use: (image: FoundImage) => Promise<T>,
): Promise<T> {
  try {
    const folder = await openFolder(path, tempPath, choice.signal)
    if (await isOciLayout(folder)) return await use(await resolveFromLayout(folder, choice))
    if (await isDockerArchive(folder))
      return await use(await resolveFromDockerArchive(folder, choice))
    if (folder.rootfs) return await use(await resolveFromRootfs(folder.rootfs, choice))
    throw new MicrovmError('IMAGE_INVALID', `${quote(path)} is no image`, {
      hint: 'Choose a folder with an OCI layout (it has an index.json), a tar archive made by docker save, podman save or skopeo copy, or a tar of a Linux system’s files.',
    })
  } finally {
    await rm(tempPath, { force: true })
  }
}

/**
 * The name an imported image gets if the user gives none: the one it brings, or one made of the
 * file's name and the tag it brings.
 */
export function importedName(name: string | undefined, path: string): string {
  const isTag = name !== undefined && /^\w[\w.-]{0,127}$/.test(name)
  if (name !== undefined && !isTag && isReference(name)) return name
  const stem = basename(path)
    .replace(/(?:\.oci)?(?:\.tar)?(?:\.gz)?$|\.tgz$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 100)
  const local = isReference(stem) ? stem : 'image'
  return isTag ? `${local}:${name}` : local
}

function isReference(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch {
    return false
  }
}

async function openFolder(
  path: string,
  tempPath: string,
  signal: AbortSignal | undefined,
): Promise<ImageFolder> {
  const found = await stat(path).catch((error: unknown) => {
    throw new MicrovmError('NOT_FOUND', `cannot open ${quote(path)}: ${(error as Error).message}`, {
      cause: error,
    })
  })
  if (found.isDirectory()) return folderOnDisk(path)
  if (!found.isFile()) throw new MicrovmError('IMAGE_INVALID', `${quote(path)} is not a file`)
  if (!(await isGzip(path))) return folderInTar(path, signal)
  const source = { kind: 'file', path, offset: 0, size: found.size } as const
  const { chunks } = await decompress(openBlob(source, signal ?? new AbortController().signal))
  await writeBounded(tempPath, chunks, signal)
  return folderInTar(tempPath, signal)
}

/** A new file of what comes, which may not be more than any image could need. @throws IMAGE_TOO_LARGE */
export async function writeBounded(
  path: string,
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  try {
    await pipeline(bounded(chunks), file, signal ? { signal } : {})
  } catch (error) {
    const room = roomText(file.bytesWritten)
    throw explainFullDisk(error, dirname(path), `the archive takes more than the ${room} free`)
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const head = Buffer.alloc(2)
    await file.read(head, 0, 2, 0)
    return head.readUInt16BE(0) === 0x1f8b
  } finally {
    await file.close()
  }
}

async function* bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > MAX_IMAGE_TAR_BYTES)
      throw new MicrovmError(
        'IMAGE_TOO_LARGE',
        `the archive has more than ${MAX_IMAGE_TAR_BYTES} bytes`,
      )
    yield chunk
  }
}
