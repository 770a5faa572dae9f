// SPDX-License-Identifier: Apache-2.0
// LZMA as the chunks of LZMA2 hold it: a range coder, probabilities that learn, and what the bits
// mean, after the description of the format that Igor Pavlov has put into the public domain
// (lzma-specification.txt of the LZMA SDK; names of sections in brackets).
//
// It trusts nothing: bits beyond the end read as zeros and are noticed at the end of the chunk, a
// distance is checked before it is used, and no symbol writes beyond what the chunk may hold.

/** Where the output goes, and what matches repeat. */
export interface Window {
  readonly bytes: Uint8Array
  /** Where the next byte goes. */
  position: number
  /** The first byte that a match may reach back for, if that is not longer ago than `dictionaryBytes`. */
  readonly oldest: number
  readonly dictionaryBytes: number
}

/** Thrown for what no encoder makes. */
export class LzmaError extends Error {}

const STATES = 12
const MAX_POSITION_STATES = 16
const HALF = 1024
const FIRST_LITERAL_STATE = 7

// Where each kind of probability begins in one array.
const IS_MATCH = 0
const IS_REP = IS_MATCH + STATES * MAX_POSITION_STATES
const IS_REP_0 = IS_REP + STATES
const IS_REP_1 = IS_REP_0 + STATES
const IS_REP_2 = IS_REP_1 + STATES
const IS_REP_0_LONG = IS_REP_2 + STATES
const DISTANCE_SLOT = IS_REP_0_LONG + STATES * MAX_POSITION_STATES
const DISTANCE_SPECIAL = DISTANCE_SLOT + 4 * 64
const ALIGN = DISTANCE_SPECIAL + 128
/** A length: two choices, 16 trees of 3 bits, as many again, one tree of 8 bits. */
const MATCH_LENGTH = ALIGN + 16
const LENGTH_LOW = 2
const LENGTH_MIDDLE = LENGTH_LOW + MAX_POSITION_STATES * 8
const LENGTH_HIGH = LENGTH_MIDDLE + MAX_POSITION_STATES * 8
const REP_LENGTH = MATCH_LENGTH + LENGTH_HIGH + 256
const LITERAL = REP_LENGTH + LENGTH_HIGH + 256
const LITERAL_CODER = 0x300
/** LZMA2 allows lc + lp up to 4. */
const MAX_LITERAL_BITS = 4
const PROBABILITIES = LITERAL + (LITERAL_CODER << MAX_LITERAL_BITS)

export class LzmaDecoder {
  readonly #window: Window
  readonly #probabilities = new Uint16Array(PROBABILITIES)
  #literalContextBits = 0
  #literalPositionMask = 0
  #positionMask = 0
  #state = 0
  #rep0 = 0
  #rep1 = 0
  #rep2 = 0
  #rep3 = 0
  /** Both as numbers from 0 to 2^32 - 1. */
  #range = 0
  #code = 0
  #input: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Bytes put out since the dictionary was reset: literals and lengths depend on it. */
  #processed = 0

  constructor(window: Window) {
    this.#window = window
  }

  /** @param properties (pb * 5 + lp) * 9 + lc */
  setProperties(properties: number): void {
    const lc = properties % 9
    const lp = Math.floor(properties / 9) % 5
    const pb = Math.floor(properties / 45)
    if (pb > 4 || lc + lp > MAX_LITERAL_BITS) throw new LzmaError('its properties cannot be')
    this.#literalContextBits = lc
    this.#literalPositionMask = (1 << lp) - 1
    this.#positionMask = (1 << pb) - 1
  }

  resetState(): void {
    this.#state = 0
    this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0
    this.#probabilities.fill(HALF)
  }

  /** Counts what came past this decoder, uncompressed; or with a negative number forgets. */
  passed(bytes: number): void {
    this.#processed = bytes < 0 ? 0 : (this.#processed + bytes) >>> 0
  }

  /**
   * Decodes a whole chunk into the window, which has room for it.
   * @param length bytes it makes
   * @throws LzmaError
   */
  decode(input: Uint8Array, length: number): void {
    this.#input = input
    this.#range = 0xffffffff
    this.#code = ((input[1]! << 24) | (input[2]! << 16) | (input[3]! << 8) | input[4]!) >>> 0
    this.#at = 5
    if (input.length < 5 || input[0] !== 0) throw new LzmaError('a chunk begins wrongly')
    const window = this.#window
    const start = window.position
    const end = start + length
    while (window.position < end) {
      const positionState = this.#processed & this.#positionMask
      const before = window.position
      const context = (this.#state << 4) + positionState
      if (this.#bit(IS_MATCH + context) === 0) this.#literal()
      else this.#match(positionState, end)
      this.#processed = (this.#processed + window.position - before) >>> 0
    }
    this.#normalize()
    if (this.#at !== input.length || this.#code !== 0) throw new LzmaError('a chunk ends wrongly')
  }

  /** [LZMA literals] */
  #literal(): void {
    const { bytes, position, oldest } = this.#window
    const previous = position === oldest ? 0 : bytes[position - 1]!
    const contextBits = this.#literalContextBits
    const context =
      ((this.#processed & this.#literalPositionMask) << contextBits) |
      (previous >> (8 - contextBits))
    const base = LITERAL + LITERAL_CODER * context
    let symbol = 1
    if (this.#state >= FIRST_LITERAL_STATE) {
      // After a match the byte differs from the one that the match would have gone on with.
      this.#checkDistance()
      let expected = bytes[position - this.#rep0 - 1]!
      do {
        const expectedBit = (expected >> 7) & 1
        expected <<= 1
        const bit = this.#bit(base + ((1 + expectedBit) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== expectedBit) break
      } while (symbol < 0x100)
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol)
    bytes[position] = symbol
    this.#window.position = position + 1
    const state = this.#state
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6
  }

  /** [The main loop]: a match, or one with a distance used before. */
  #match(positionState: number, end: number): void {
    const state = this.#state
    const wasLiteral = state < FIRST_LITERAL_STATE
    let length: number
    if (this.#bit(IS_REP + state) === 0) {
      this.#rep3 = this.#rep2
      this.#rep2 = this.#rep1
      this.#rep1 = this.#rep0
      length = this.#length(MATCH_LENGTH, positionState)
      this.#rep0 = this.#distance(length)
      this.#state = wasLiteral ? 7 : 10
    } else {
      const isShort = this.#isShortRepeat(state, positionState)
      length = isShort ? 1 : this.#length(REP_LENGTH, positionState)
      this.#state = wasLiteral ? (isShort ? 9 : 8) : 11
    }
    this.#copy(length, end)
  }

  /** Takes up a distance used before; whether it is the last one, for one byte. */
  #isShortRepeat(state: number, positionState: number): boolean {
    if (this.#bit(IS_REP_0 + state) === 0)
      return this.#bit(IS_REP_0_LONG + (state << 4) + positionState) === 0
    let distance = this.#rep1
    if (this.#bit(IS_REP_1 + state) !== 0) {
      distance = this.#rep2
      if (this.#bit(IS_REP_2 + state) !== 0) {
        distance = this.#rep3
        this.#rep3 = this.#rep2
      }
      this.#rep2 = this.#rep1
    }
    this.#rep1 = this.#rep0
    this.#rep0 = distance
    return false
  }

  /** @param end of the chunk in the window */
  #copy(length: number, end: number): void {
    const window = this.#window
    const { bytes, position } = window
    const distance = this.#rep0 + 1
    this.#checkDistance()
    if (position + length > end) throw new LzmaError('a match is too long')
    const from = position - distance
    if (distance >= length && length > 32) bytes.copyWithin(position, from, from + length)
    else for (let n = 0; n < length; n++) bytes[position + n] = bytes[from + n]!
    window.position = position + length
  }

  #checkDistance(): void {
    const { position, oldest, dictionaryBytes } = this.#window
    if (this.#rep0 >= position - oldest || this.#rep0 >= dictionaryBytes)
      throw new LzmaError('a distance is too long')
  }

  /** [Match lengths] @param base MATCH_LENGTH or REP_LENGTH */
  #length(base: number, positionState: number): number {
    if (this.#bit(base) === 0) return 2 + this.#tree(base + LENGTH_LOW + (positionState << 3), 3)
    if (this.#bit(base + 1) === 0)
      return 10 + this.#tree(base + LENGTH_MIDDLE + (positionState << 3), 3)
    return 18 + this.#tree(base + LENGTH_HIGH, 8)
  }

  /** [Match distances] */
  #distance(length: number): number {
    const slot = this.#tree(DISTANCE_SLOT + (Math.min(length - 2, 3) << 6), 6)
    if (slot < 4) return slot
    const bits = (slot >> 1) - 1
    const high = ((2 | (slot & 1)) << bits) >>> 0
    if (slot < 14) return high + this.#reverseTree(DISTANCE_SPECIAL + high - slot, bits)
    const middle = this.#directBits(bits - 4) * 16
    return high + middle + this.#reverseTree(ALIGN, 4)
  }

  #tree(base: number, bits: number): number {
    let symbol = 1
    for (let n = 0; n < bits; n++) symbol = (symbol << 1) | this.#bit(base + symbol)
    return symbol - (1 << bits)
  }

  #reverseTree(base: number, bits: number): number {
    let symbol = 1
    let value = 0
    for (let n = 0; n < bits; n++) {
      const bit = this.#bit(base + symbol)
      symbol = (symbol << 1) | bit
      value |= bit << n
    }
    return value
  }

  /** Bits that are as likely to be 0 as 1. */
  #directBits(count: number): number {
    let value = 0
    for (let n = 0; n < count; n++) {
      this.#normalize()
      this.#range >>>= 1
      const bit = this.#code >= this.#range ? 1 : 0
      if (bit !== 0) this.#code -= this.#range
      value = value * 2 + bit
    }
    return value
  }

  /** [The range decoder]: one bit, whose probability is learnt from it. */
  #bit(index: number): number {
    this.#normalize()
    const probability = this.#probabilities[index]!
    const bound = (this.#range >>> 11) * probability
    if (this.#code < bound) {
      this.#range = bound
      this.#probabilities[index] = probability + ((2048 - probability) >> 5)
      return 0
    }
    this.#range -= bound
    this.#code -= bound
    this.#probabilities[index] = probability - (probability >> 5)
    return 1
  }

  #normalize(): void {
    if (this.#range >= 0x1000000) return
    this.#range = (this.#range << 8) >>> 0
    // Past the end there is nothing, which counts as zeros until the chunk's end is checked.
    this.#code = ((this.#code << 8) | this.#input[this.#at++]!) >>> 0
  }
}
