// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a materialised file come from. Each source makes the file itself, which must not
// be there yet, and hands it over open for writing.
import { chmod, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../../contract/errors'
import type { FsNode, FsTree } from '../../image/tree/fs-tree'
import { reflink } from '../reflink'
import { copySparse } from '../sparse-copy'
import { writeFully } from '../write-fully'

const PRIVATE = 0o600

export interface Content {
  /**
   * @param path of the file on the host
   * @param inside its path in the tree
   */
  make(node: FsNode, path: string, inside: string, signal?: AbortSignal): Promise<FileHandle>
  close(): Promise<void>
}

/** @throws STATE_CORRUPT if a layer's data is missing or shorter than it should be */
export async function layerContent({ layers }: FsTree): Promise<Content> {
  const handles: FileHandle[] = []
  const close = async (): Promise<void> => {
    await Promise.all(handles.map((handle) => handle.close()))
  }
  try {
    for (const { diffId, dataPath, dataSize } of layers) {
      const handle = await open(dataPath, 'r').catch((error: unknown) => {
        throw broken(diffId, 'is missing', error)
      })
      handles.push(handle)
      const { size } = await handle.stat()
      if (size !== dataSize) throw broken(diffId, `has ${size} bytes in place of ${dataSize}`)
    }
  } catch (error) {
    await close()
    throw error
  }
  const make: Content['make'] = async (node, path, inside, signal) => {
    const { offset, size } = node
    const source = handles[node.layer]
    if (size > 0 && offset + size > (layers[node.layer]?.dataSize ?? 0))
      throw new MicrovmError('IMAGE_INVALID', `${inside}: its data is outside its layer`)
    return await filled(path, async (file) => {
      if (size > 0 && source) await copySparse(source, file, { offset, size }, signal)
    })
  }
  return { make, close }
}

/** Files of a directory that was made from the same tree, sharing their blocks with it. */
export function clonedContent(base: string): Content {
  return {
    async make(_node, path, inside) {
      if (!(await reflink(join(base, inside), path)))
        throw new MicrovmError('CONFLICT', 'files cannot be cloned any more')
      await chmod(path, PRIVATE)
      return await open(path, 'r+')
    },
    close: () => Promise.resolve(),
  }
}

export function memoryContent(contents: ReadonlyMap<FsNode, Uint8Array>): Content {
  return {
    make: (node, path) =>
      filled(path, async (file) => {
        const bytes = contents.get(node)
        if (bytes !== undefined) await writeFully(file, bytes, 0)
      }),
    close: () => Promise.resolve(),
  }
}

async function filled(
  path: string,
  fill: (file: FileHandle) => Promise<void>,
): Promise<FileHandle> {
  const file = await open(path, 'wx', PRIVATE)
  try {
    await fill(file)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function broken(diffId: string, problem: string, cause?: unknown): MicrovmError {
  return new MicrovmError('STATE_CORRUPT', `the stored data of layer ${diffId} ${problem}`, {
    hint: 'Remove the image and pull it again.',
    cause,
  })
}
