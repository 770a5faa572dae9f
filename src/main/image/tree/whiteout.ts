// SPDX-License-Identifier: Apache-2.0
// The names by which a layer says that something below it is gone (image-spec, layer.md,
// "Whiteouts"), and those AUFS keeps its own records under.
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'

const PREFIX = '.wh.'
const META_PREFIX = '.wh..wh.'
const OPAQUE = '.wh..wh..opq'

/** Whether the last part of a path is reserved for whiteouts: such an entry is never a file. */
export function isWhiteout(path: string): boolean {
  return path.startsWith(PREFIX, path.lastIndexOf('/') + 1)
}

export type Whiteout =
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'opaque' }
  /** AUFS's own records (.wh..wh.plnk, .wh..wh.aufs): to be read past, as Docker does. */
  | { readonly kind: 'ignore' }

/**
 * What an entry's path means for the layers below; undefined if the path has nothing to do with
 * whiteouts.
 * @throws IMAGE_INVALID for a whiteout of '', '.' or '..', or a path that leads through one
 */
export function whiteoutOf(path: string): Whiteout | undefined {
  if (!path.includes(PREFIX)) return undefined
  const parts = path.split('/')
  const name = parts.pop()!
  const through = parts.find((part) => part.startsWith(PREFIX))
  if (through?.startsWith(META_PREFIX)) return { kind: 'ignore' }
  if (through !== undefined)
    throw new MicrovmError('IMAGE_INVALID', `${quote(path)} leads through a whiteout`)
  if (!name.startsWith(PREFIX)) return undefined
  if (name === OPAQUE) return { kind: 'opaque' }
  if (name.startsWith(META_PREFIX)) return { kind: 'ignore' }
  const removed = name.slice(PREFIX.length)
  if (removed === '' || removed === '.' || removed === '..')
    throw new MicrovmError('IMAGE_INVALID', `${quote(path)} is no valid whiteout`)
  return { kind: 'remove', name: removed }
}
