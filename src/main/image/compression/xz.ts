// SPDX-License-Identifier: Apache-2.0
// Unpacks .xz files by the decoder of the Linux kernel (XZ Embedded), in WebAssembly: whatever a hostile
// file does to it stays in there. It checks headers, index and the data's CRC32 or CRC64, and takes
// no more memory than `xz -9` needs.
import { ReadableStream } from 'node:stream/web'
import type * as Decoder from 'xz-decompress'
import { MicrovmError } from '../../../contract/errors'

const unpackYourself = { hint: 'Unpack the file with xz -d, and use what comes out.' }

/** By the decoder's own codes (enum xz_ret of linux/xz.h); any other means damage. */
const refusals: Partial<Record<string, () => MicrovmError>> = {
  4: () =>
    new MicrovmError(
      'IMAGE_TOO_LARGE',
      'its xz stream needs more memory than 64 MiB',
      unpackYourself,
    ),
  6: () =>
    new MicrovmError(
      'IMAGE_INVALID',
      'its xz stream uses a filter or a checksum that is not supported',
      unpackYourself,
    ),
}

/**
 * @param source read to its end by whoever reads the chunks
 * @throws IMAGE_INVALID for a stream that is damaged, IMAGE_TOO_LARGE for one that takes too much memory
 */
export async function* unxz(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const { XzReadableStream } = await loadDecoder()
  let failure: Error | undefined
  const watched = async function* (): AsyncGenerator<Uint8Array, void> {
    try {
      yield* source
    } catch (error) {
      failure = error as Error
      throw error
    }
  }
  const stream = new XzReadableStream(ReadableStream.from(watched()) as never)
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>)
      if (chunk.length > 0) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  } catch (error) {
    throw failure ?? explain(error as Error)
  }
}

/** A CommonJS module: Node has its exports as the default one, test runners by their names, too. */
async function loadDecoder(): Promise<typeof Decoder> {
  const loaded: typeof Decoder & { readonly default?: typeof Decoder } =
    await import('xz-decompress')
  return loaded.default ?? loaded
}

function explain({ message }: Error): MicrovmError {
  const code = /error code (\d+)/.exec(message)?.[1] ?? ''
  return (
    refusals[code]?.() ??
    new MicrovmError('IMAGE_INVALID', 'its xz stream is damaged, or is cut off', { cause: message })
  )
}
