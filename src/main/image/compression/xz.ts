// SPDX-License-Identifier: Apache-2.0
// Unpacks .xz files (The .xz File Format, version 1.2.1; numbers in comments are its sections):
// streams of blocks, each with a checksum, then an index of them. Everything that is there to be
// checked is checked. Of the filters only LZMA2 is known: those for machine code and audio make no
// difference to disk images, and are refused by name.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { MicrovmError } from '../../../contract/errors'
import { ByteInput } from './byte-input'
import { Crc64 } from './crc64'
import { unlzma2, type Consumed } from './lzma2'

const HEADER_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])
const FOOTER_MAGIC = Buffer.from('YZ')
const LZMA2 = 0x21
/** What `xz -9` needs. */
const MAX_DICTIONARY_BYTES = 64 * 1024 * 1024

const damaged = (why: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `its xz stream is damaged (${why})`)
const unknown = (what: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `its xz stream uses ${what}, which is not supported`, {
    hint: 'Unpack the file with xz -d, and use what comes out.',
  })

/**
 * @param source read to its end by whoever reads the chunks
 * @throws IMAGE_INVALID for a stream that is damaged, IMAGE_TOO_LARGE for one that takes too much memory
 */
export async function* unxz(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const input = new ByteInput(source, damaged)
  try {
    do {
      yield* unpackStream(input)
      await skipPadding(input)
    } while (!(await input.isAtEnd()))
  } finally {
    await input.close()
  }
}

/** 2.2: zeros between streams and behind the last, four at a time. */
async function skipPadding(input: ByteInput): Promise<void> {
  for (let four = await input.peek(4); four.length > 0; four = await input.peek(4)) {
    if (four[0] !== 0) return
    if (four.length < 4 || four.readUInt32LE() !== 0) throw damaged('its padding is not zeros')
    input.skip(4)
  }
}

/** 2.1 */
async function* unpackStream(input: ByteInput): AsyncGenerator<Buffer, void> {
  const header = await input.take(12)
  if (!header.subarray(0, 6).equals(HEADER_MAGIC)) throw damaged('there is data that is no stream')
  const flags = Buffer.from(header.subarray(6, 8))
  checkCrc32(flags, header.readUInt32LE(8), 'header')
  if (flags[0] !== 0 || flags[1]! > 15) throw unknown('a later version of the format')
  const blocks = new BlockList()
  for (;;) {
    const size = (await input.take(1))[0]!
    if (size === 0) break
    blocks.add(yield* unpackBlock(input, size, flags[1]!))
  }
  const indexBytes = await readIndex(input, blocks)
  const footer = await input.take(12)
  checkCrc32(footer.subarray(4, 10), footer.readUInt32LE(0), 'footer')
  const isOfIndex = (footer.readUInt32LE(4) + 1) * 4 === indexBytes
  if (
    !isOfIndex ||
    !footer.subarray(8, 10).equals(flags) ||
    !footer.subarray(10).equals(FOOTER_MAGIC)
  )
    throw damaged('its footer does not fit')
}

interface BlockSizes {
  /** Without padding. */
  readonly unpadded: number
  readonly uncompressed: number
}

/** 3: @param sizeByte the first byte of its header */
async function* unpackBlock(
  input: ByteInput,
  sizeByte: number,
  checkType: number,
): AsyncGenerator<Buffer, BlockSizes> {
  const headerBytes = (sizeByte + 1) * 4
  const header = Buffer.concat([Buffer.of(sizeByte), await input.take(headerBytes - 1)])
  const declared = readBlockHeader(header)
  const check = checkOf(checkType)
  const consumed: Consumed = { bytes: 0 }
  let uncompressed = 0
  for await (const chunk of unlzma2(input, declared.dictionaryBytes, consumed, damaged)) {
    check.update(chunk)
    uncompressed += chunk.length
    yield chunk
  }
  const isAsDeclared =
    (declared.compressed ?? consumed.bytes) === consumed.bytes &&
    (declared.uncompressed ?? uncompressed) === uncompressed
  if (!isAsDeclared) throw damaged('a block has not the size it says')
  await takeZeros(input, padding(consumed.bytes))
  const expected = check.digest()
  if (!(await input.take(expected.length)).equals(expected)) throw damaged('a checksum is wrong')
  return { unpadded: headerBytes + consumed.bytes + expected.length, uncompressed }
}

interface BlockHeader {
  readonly compressed: number | undefined
  readonly uncompressed: number | undefined
  readonly dictionaryBytes: number
}

/** 3.1 */
function readBlockHeader(header: Buffer): BlockHeader {
  const end = header.length - 4
  checkCrc32(header.subarray(0, end), header.readUInt32LE(end), "block's header")
  const flags = header[1]!
  if ((flags & 0x3c) !== 0) throw unknown('a later version of the format')
  const fields = new Fields(header.subarray(0, end), 2)
  const compressed = (flags & 0x40) === 0 ? undefined : fields.number()
  const uncompressed = (flags & 0x80) === 0 ? undefined : fields.number()
  const filter = fields.number()
  if ((flags & 3) !== 0 || filter !== LZMA2) throw unknown('a filter for machine code or audio')
  if (fields.number() !== 1) throw damaged("a block's header cannot be")
  const dictionaryBytes = dictionarySize(fields.byte())
  fields.expectZeros()
  return { compressed, uncompressed, dictionaryBytes }
}

/** 5.3.1 */
function dictionarySize(bits: number): number {
  if (bits > 40) throw damaged('its dictionary cannot be')
  const size = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11)
  if (size > MAX_DICTIONARY_BYTES)
    throw new MicrovmError(
      'IMAGE_TOO_LARGE',
      `its xz stream needs ${Math.ceil(size / 1024 / 1024)} MiB of memory to unpack`,
      { hint: 'Unpack the file with xz -d, and use what comes out.' },
    )
  return size
}

/** 4: @returns how long it was */
async function readIndex(input: ByteInput, blocks: BlockList): Promise<number> {
  let crc = crc32(Buffer.of(0))
  let bytes = 1
  const number = async (): Promise<number> => {
    const fields = new Fields(await input.peek(9), 0)
    const value = fields.number()
    const taken = await input.take(fields.position)
    crc = crc32(taken, crc)
    bytes += taken.length
    return value
  }
  const listed = new BlockList()
  for (let left = await number(); left > 0 && listed.count <= blocks.count; left--)
    listed.add({ unpadded: await number(), uncompressed: await number() })
  if (!listed.equals(blocks)) throw damaged('its index does not fit its blocks')
  const zeros = padding(bytes)
  await takeZeros(input, zeros)
  crc = crc32(Buffer.alloc(zeros), crc)
  if ((await input.take(4)).readUInt32LE() !== crc)
    throw damaged('the checksum of its index is wrong')
  return bytes + zeros + 4
}

/** The sizes of all blocks, in little memory however many there are. */
class BlockList {
  readonly #hash = createHash('sha256')
  count = 0

  add({ unpadded, uncompressed }: BlockSizes): void {
    this.#hash.update(`${unpadded} ${uncompressed} `)
    this.count++
  }

  equals(other: BlockList): boolean {
    return this.#hash.digest().equals(other.#hash.digest())
  }
}

/** Numbers of varying length (1.2) and bytes, out of a few bytes at hand. */
class Fields {
  readonly #bytes: Buffer
  position: number

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  byte(): number {
    const value = this.#bytes[this.position++]
    if (value === undefined) throw damaged('a number is cut off')
    return value
  }

  number(): number {
    let value = 0
    for (let place = 0; place < 9; place++) {
      const byte = this.byte()
      if (byte === 0 && place > 0) break
      value += (byte & 0x7f) * 2 ** (7 * place)
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value
        break
      }
    }
    throw damaged('a number cannot be')
  }

  expectZeros(): void {
    if (this.#bytes.subarray(this.position).some((byte) => byte !== 0))
      throw damaged('its padding is not zeros')
  }
}

interface Checksum {
  update(bytes: Buffer): unknown
  digest(): Buffer
}

/** 2.1.1.2 */
function checkOf(type: number): Checksum {
  if (type === 0) return { update: () => undefined, digest: () => Buffer.alloc(0) }
  if (type === 1) return new Crc32()
  if (type === 4) return new Crc64()
  if (type === 10) return createHash('sha256')
  throw unknown('a kind of checksum')
}

class Crc32 implements Checksum {
  #value = 0

  update(bytes: Buffer): void {
    this.#value = crc32(bytes, this.#value)
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(this.#value)
    return bytes
  }
}

function checkCrc32(bytes: Buffer, expected: number, what: string): void {
  if (crc32(bytes) !== expected) throw damaged(`the checksum of its ${what} is wrong`)
}

/** Up to the next multiple of four. */
const padding = (bytes: number): number => (4 - (bytes % 4)) % 4

async function takeZeros(input: ByteInput, count: number): Promise<void> {
  if ((await input.take(count)).some((byte) => byte !== 0))
    throw damaged('its padding is not zeros')
}
