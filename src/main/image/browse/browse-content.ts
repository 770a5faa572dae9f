// SPDX-License-Identifier: Apache-2.0
// The content of an image's files, from the data files of its layers. A path is looked up in the image
// only: nothing in an image can name a file of this host.
import { open, type FileHandle } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import type { FileText, FileView } from '../../../contract/images'
import type { ImageHistory } from './browse-history'
import { followPath } from './browse-list'
import { writeChosenFile } from '../../lib/chosen-file'
import { ignoreMissing } from '../../lib/ignore-missing'
import { quote } from '../digest'

/** Where a file's bytes are. */
export interface FileContent {
  /** In the image, links followed; no leading slash. */
  readonly path: string
  readonly dataPath: string
  readonly offset: number
  readonly size: number
}

interface SaveOptions {
  readonly signal: AbortSignal
  /** Bytes written so far; called for every piece. */
  readonly onBytes?: (bytes: number) => void
}

const PIECE_BYTES = 1024 * 1024

/** @throws NOT_FOUND; INVALID_ARGUMENT for what has no content: a folder, a device */
export function contentOf(history: ImageHistory, view: FileView, path: string): FileContent {
  const { path: end, node } = followPath(history, view, path)
  if (node.type !== 'file')
    throw new MicrovmError('INVALID_ARGUMENT', `${quote(path)} is no file: it is a ${node.type}`)
  return {
    path: end,
    dataPath: history.data[node.layer]!.dataPath,
    offset: node.offset,
    size: node.size,
  }
}

/** @param max bytes to read; @throws NOT_FOUND if the layer has been removed meanwhile */
export async function readText(content: FileContent, max: number): Promise<FileText> {
  const { path, size, offset } = content
  const bytes = Buffer.alloc(Math.min(size, max))
  const file = await openData(content)
  try {
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
    if (bytesRead < bytes.length) throw endsTooSoon()
  } finally {
    await file.close()
  }
  const complete = bytes.length === size
  const text = decode(bytes, complete)
  return { path, size, complete, ...(text === undefined ? {} : { text }) }
}

/**
 * Copies a file out of the image (`writeChosenFile`), mode 0644 whatever its own is.
 * @param target absolute
 * @throws as `writeChosenFile`; NOT_FOUND, STATE_CORRUPT
 */
export async function saveContent(
  content: FileContent,
  target: string,
  { signal, onBytes }: SaveOptions,
): Promise<void> {
  const { offset, size } = content
  await writeChosenFile(target, signal, async (to) => {
    const from = await openData(content)
    try {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size))
      for (let done = 0; done < size;) {
        signal.throwIfAborted()
        const length = Math.min(piece.length, size - done)
        const { bytesRead } = await from.read(piece, 0, length, offset + done)
        if (bytesRead === 0) throw endsTooSoon()
        await to.writeFile(piece.subarray(0, bytesRead))
        done += bytesRead
        onBytes?.(done)
      }
    } finally {
      await from.close()
    }
  })
}

async function openData({ dataPath }: FileContent): Promise<FileHandle> {
  const file = await open(dataPath).catch(ignoreMissing)
  if (file !== undefined) return file
  throw new MicrovmError('NOT_FOUND', 'the layer this file is in has been removed', {
    hint: 'Pull or import the image again.',
  })
}

/** undefined for what is not UTF-8, or has a NUL, which no text has. */
function decode(bytes: Buffer, complete: boolean): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    // The end of what was read may be amid a character.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !complete })
  } catch {
    return undefined
  }
}

const endsTooSoon = (): MicrovmError =>
  new MicrovmError('STATE_CORRUPT', 'the layer this file is in ends too soon', {
    hint: 'Pull or import the image again.',
  })
