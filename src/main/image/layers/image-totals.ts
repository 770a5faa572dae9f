// SPDX-License-Identifier: Apache-2.0
// What all layers of an image have come to so far, bounded: one archive alone may be harmless and a
// thousand of them not. The threads that take an image's layers in share the numbers.
import { MicrovmError } from '../../../contract/errors'
import {
  MAX_IMAGE_ENTRIES,
  MAX_IMAGE_FILE_BYTES,
  MAX_IMAGE_NAME_BYTES,
  MAX_IMAGE_TAR_BYTES,
} from '../limits'

const GIB = 1024 ** 3
const bounds = [
  { max: MAX_IMAGE_FILE_BYTES, text: `${MAX_IMAGE_FILE_BYTES / GIB} GiB of file data` },
  { max: MAX_IMAGE_TAR_BYTES, text: `${MAX_IMAGE_TAR_BYTES / GIB} GiB of archives` },
  { max: MAX_IMAGE_ENTRIES, text: `${MAX_IMAGE_ENTRIES.toLocaleString('en')} entries` },
  { max: MAX_IMAGE_NAME_BYTES, text: `${MAX_IMAGE_NAME_BYTES / GIB} GiB of names and attributes` },
] as const
const kinds = { fileBytes: 0, tarBytes: 1, entries: 2, nameBytes: 3 } as const

/** The shared numbers of one image, all zero; can be sent to other threads. */
export const newTotals = (): SharedArrayBuffer => new SharedArrayBuffer(8 * bounds.length)

/** One layer's part in them. */
export class ImageTotals {
  readonly #shared: BigInt64Array
  readonly #own: bigint[] = bounds.map(() => 0n)

  /** @param shared made by `newTotals` */
  constructor(shared: SharedArrayBuffer) {
    this.#shared = new BigInt64Array(shared)
  }

  /** @throws IMAGE_TOO_LARGE */
  add(kind: keyof typeof kinds, amount: number): void {
    const at = kinds[kind]
    const { max, text } = bounds[at]
    this.#own[at]! += BigInt(amount)
    const before = Atomics.add(this.#shared, at, BigInt(amount))
    if (before + BigInt(amount) <= BigInt(max)) return
    throw new MicrovmError('IMAGE_TOO_LARGE', `the image has more than ${text}`, {
      hint: 'Images this large are refused, to protect this computer from archives made to exhaust it.',
    })
  }

  /** For a layer that came to nothing: another try at it must not count twice. */
  takeBack(): void {
    for (const [at, own] of this.#own.entries()) {
      Atomics.sub(this.#shared, at, own)
      this.#own[at] = 0n
    }
  }
}
