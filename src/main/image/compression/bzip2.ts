// SPDX-License-Identifier: Apache-2.0
// Unpacks bzip2 files. The format has no specification but its one implementation; this follows the
// description by Joe Tsai ("bzip2: Format Specification", 2016): streams of blocks, each with a
// checksum, none of them at a whole byte. Blocks are decoded one at a time (bzip2-block.ts).
import { MicrovmError } from '../../../contract/errors'
import { BitReader } from './bit-reader'
import { Bzip2Block } from './bzip2-block'
import { Bzip2Error } from './bzip2-code'
import { ByteInput } from './byte-input'

/** No block takes more: 18,002 groups of 50 symbols of at most 20 bits, and the tables before them. */
const MAX_BLOCK_BYTES = 3 * 1024 * 1024
const CHUNK_BYTES = 1024 * 1024
const BLOCK_UNIT = 100_000
/** The digits of pi and of its square root, 48 bits each. */
const BLOCK_MAGIC = [0x314159, 0x265359]
const END_MAGIC = [0x177245, 0x385090]

const damaged = (why: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `its bzip2 stream is damaged (${why})`)

/**
 * @param source read to its end by whoever reads the chunks
 * @throws IMAGE_INVALID for a stream that is damaged
 */
export async function* unbzip2(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const input = new ByteInput(source, damaged)
  try {
    do yield* unpackStream(input)
    while (!(await input.isAtEnd()))
  } catch (error) {
    throw error instanceof Bzip2Error ? damaged(error.message) : error
  } finally {
    await input.close()
  }
}

async function* unpackStream(input: ByteInput): AsyncGenerator<Buffer, void> {
  const header = await input.take(4)
  const level = header[3]! - 0x30
  if (header.toString('latin1', 0, 3) !== 'BZh' || level < 1 || level > 9)
    throw damaged('there is data that is no stream')
  const block = new Bzip2Block(level * BLOCK_UNIT)
  let checksum = 0
  /** Bits of the next byte that belong to what is behind us. */
  let used = 0
  for (;;) {
    const bits = new BitReader(await input.peek(MAX_BLOCK_BYTES), used)
    const magic = [bits.read(24), bits.read(24)]
    const expected = (bits.read(16) << 16) | bits.read(16)
    const isEnd = magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]
    if (!isEnd) {
      if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1])
        throw damaged(bits.isPastEnd ? 'it ends too soon' : 'a block begins wrongly')
      block.read(bits)
    }
    if (bits.isPastEnd) throw damaged('it ends too soon')
    // A stream ends at a whole byte.
    const end = isEnd ? Math.ceil(bits.position / 8) * 8 : bits.position
    input.skip(end >> 3)
    used = end & 7
    if (isEnd) {
      if (expected !== checksum) throw damaged('its checksum is wrong')
      return
    }
    for (let chunk = block.next(CHUNK_BYTES); chunk.length > 0; chunk = block.next(CHUNK_BYTES))
      yield chunk
    if (block.checksum !== expected) throw damaged('the checksum of a block is wrong')
    checksum = ((checksum << 1) | (checksum >>> 31)) ^ expected
  }
}
