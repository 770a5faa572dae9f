// SPDX-License-Identifier: Apache-2.0
// Digests of content: "sha256:" and 64 lower-case hex digits (image-spec, descriptor.md). The
// specification also knows sha512; no registry in use makes it, so it is refused by name.
import { createHash } from 'node:crypto'
import { SHA256_DIGEST } from '../../contract/digest-form'
import { MicrovmError } from '../../contract/errors'

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The 64 hex digits of a digest: safe as a file name. */
export function hexOf(digest: string): string {
  if (!SHA256_DIGEST.test(digest))
    throw new MicrovmError('IMAGE_INVALID', `${quote(digest)} is no sha256 digest`)
  return digest.slice('sha256:'.length)
}

/** @throws DIGEST_MISMATCH */
export function checkDigest(what: string, expected: string, actual: string): void {
  if (expected === actual) return
  throw new MicrovmError(
    'DIGEST_MISMATCH',
    `${what} has digest ${actual} in place of ${expected}`,
    {
      hint: 'It was damaged or changed on its way. Try again; if it stays so, tell whoever runs the registry.',
    },
  )
}

/** Text from outside, safe to show: quoted, control characters escaped, at most 200 characters. */
export function quote(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
