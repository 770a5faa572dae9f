// SPDX-License-Identifier: Apache-2.0
// What the text that names an image means to the store.
import { MicrovmError } from '../../contract/errors'
import { digestSchema } from '../../contract/images'
import { canonicalReference, parseReference } from './reference'

/** The image that comes with the app. No registry is ever asked for this name. */
export const STARTER = 'starter'
export const starterReference = canonicalReference(parseReference(STARTER))

/**
 * A digest alone, or a canonical name with the digest it may carry.
 * @throws REFERENCE_INVALID
 */
export function readName(text: string): { canonical?: string; digest?: string } {
  if (digestSchema.safeParse(text).success) return { digest: text }
  const parsed = parseReference(text)
  const canonical = canonicalReference(parsed)
  return parsed.digest === undefined ? { canonical } : { canonical, digest: parsed.digest }
}

/**
 * The canonical form of a name for an imported image.
 * @throws REFERENCE_INVALID; INVALID_ARGUMENT for the name of the image that comes with the app
 */
export function readImportName(text: string): string {
  const canonical = canonicalReference(parseReference(text))
  if (canonical !== starterReference) return canonical
  throw new MicrovmError('INVALID_ARGUMENT', `the name ${STARTER} is taken by the built-in image`, {
    hint: 'Give the image another name.',
  })
}

export const noSuchImage = (text: string, hint: string): MicrovmError =>
  new MicrovmError('IMAGE_NOT_FOUND', `there is no image ${text} here`, { hint })
