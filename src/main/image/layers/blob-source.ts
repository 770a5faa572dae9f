// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a blob come from, in a form that can be sent to another thread, and the stream
// of them. Digests are the reader's business.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import { continueBlob } from '../registry/blob-part'
import type { RegistryAccess } from '../registry/registry-access'

export type BlobSource =
  /** A file of this host, or `size` bytes of it from `offset` on. */
  | {
      readonly kind: 'file'
      readonly path: string
      readonly offset: number
      readonly size: number
    }
  | {
      readonly kind: 'registry'
      readonly access: RegistryAccess
      readonly digest: string
      readonly size: number
      /** Where to continue from and to keep what comes; see blob-part.ts. */
      readonly partPath?: string
    }

const CHUNK_BYTES = 1024 * 1024

/** Exactly `source.size` bytes, or an error. */
export async function* openBlob(
  source: BlobSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  if (source.kind === 'file') yield* readRange(source, signal)
  else {
    // Only where it is needed: a thread that reads a file starts sooner without.
    const { RegistryClient } = await import('../registry/registry-client')
    const client = new RegistryClient(source.access)
    const { digest, partPath: path, size } = source
    const fetchFrom = (start: number): AsyncIterable<Buffer> =>
      client.blob(digest, size, { start, signal })
    const readPart = (length: number): AsyncIterable<Buffer> =>
      readRange({ path: path!, offset: 0, size: length }, signal)
    try {
      yield* path === undefined ? fetchFrom(0) : continueBlob(path, size, readPart, fetchFrom)
    } finally {
      client.close()
    }
  }
}

/** The digest of a blob's bytes, all of them read. @throws as `openBlob` */
export async function digestOfBlob(source: BlobSource, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of openBlob(source, signal)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

async function* readRange(
  { path, offset, size }: { path: string; offset: number; size: number },
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const file = await open(path)
  try {
    for (let done = 0; done < size;) {
      signal.throwIfAborted()
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - done))
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset + done)
      if (bytesRead === 0) throw new MicrovmError('IMAGE_INVALID', `${path} ends too soon`)
      done += bytesRead
      yield chunk.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
