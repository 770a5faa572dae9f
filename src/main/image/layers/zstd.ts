// SPDX-License-Identifier: Apache-2.0
// Zstandard streams (RFC 8878): a sequence of frames, each a header and blocks. The decoder takes
// what it gets on trust: it would hold any window, and put out all that a push makes at once. So the
// stream is taken apart here first: headers are checked, and it is handed on block by block, each of
// which makes at most 128 KiB.
import { Decompress } from 'fzstd'
import { MicrovmError } from '../../../contract/errors'
import { ByteInput } from '../compression/byte-input'

const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const MAX_BLOCK_BYTES = 128 * 1024
/** What the zstd command takes, too, unless it is told otherwise. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3

/**
 * @param source read to its end by whoever reads the chunks
 * @throws IMAGE_INVALID for a stream that is damaged, IMAGE_TOO_LARGE for one that takes too much memory
 */
export async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const input = new ByteInput(source, damaged)
  let made: Buffer[] = []
  const decoder = new Decompress((chunk) =>
    made.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)),
  )
  const feed = (piece: Buffer, isLast = false): Buffer[] => {
    made = []
    try {
      decoder.push(piece, isLast)
    } catch (error) {
      throw damaged((error as Error).message)
    }
    return made
  }
  try {
    while (!(await input.isAtEnd())) {
      const magic = await input.take(4)
      const number = magic.readUInt32LE()
      if ((number & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
        await skipFrame(input)
        continue
      }
      if (number !== FRAME_MAGIC) throw damaged('there is data that is no frame')
      const { header, hasChecksum } = await readHeader(input)
      yield* feed(Buffer.concat([magic, header]))
      for (let isLast = false; !isLast;) {
        const block = await readBlock(input)
        isLast = block.isLast
        yield* feed(block.bytes)
      }
      if (hasChecksum) yield* feed(await input.take(4))
    }
    yield* feed(Buffer.alloc(0), true)
  } finally {
    await input.close()
  }
}

/** RFC 8878, 3.1.1.1: everything between the magic number and the first block. */
async function readHeader(input: ByteInput): Promise<{ header: Buffer; hasChecksum: boolean }> {
  const descriptor = (await input.take(1))[0]!
  const isSingle = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const rest = await input.take((isSingle ? 0 : 1) + dictionaryBytes + sizeBytes)
  if ((descriptor & 0x08) !== 0) throw damaged('a reserved bit is set')
  const afterWindow = isSingle ? 0 : 1
  if (rest.subarray(afterWindow, afterWindow + dictionaryBytes).some((byte) => byte !== 0))
    throw damaged('it needs a dictionary')
  const window = isSingle ? contentSize(rest.subarray(dictionaryBytes)) : windowSize(rest[0]!)
  if (window > MAX_WINDOW_BYTES)
    throw new MicrovmError(
      'IMAGE_TOO_LARGE',
      `its zstd stream needs ${Math.ceil(window / 1024 / 1024)} MiB of memory to unpack`,
      { hint: 'Use an image that was compressed without --long or --ultra.' },
    )
  return {
    header: Buffer.concat([Buffer.of(descriptor), rest]),
    hasChecksum: (descriptor & 4) !== 0,
  }
}

function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE())
  // Two bytes count from 256 on.
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0)
}

function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3))
  return base + (base / 8) * (byte & 7)
}

/** RFC 8878, 3.1.1.2: with its header. */
async function readBlock(input: ByteInput): Promise<{ bytes: Buffer; isLast: boolean }> {
  const header = await input.take(3)
  const bits = header.readUIntLE(0, 3)
  const kind = (bits >> 1) & 3
  const size = bits >> 3
  if (kind === RESERVED_BLOCK || size > MAX_BLOCK_BYTES) throw damaged('a block cannot be')
  const body = await input.take(kind === RLE_BLOCK ? 1 : size)
  return { bytes: Buffer.concat([header, body]), isLast: (bits & 1) === 1 }
}

async function skipFrame(input: ByteInput): Promise<void> {
  let left = (await input.take(4)).readUInt32LE()
  while (left > 0) {
    const step = Math.min(left, MAX_BLOCK_BYTES)
    await input.take(step)
    left -= step
  }
}

const damaged = (why: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `its zstd stream is damaged (${why})`)
