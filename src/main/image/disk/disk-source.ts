// SPDX-License-Identifier: Apache-2.0
// Where a disk image comes from, as a user may write it.
import { isAbsolute, normalize } from 'node:path'
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'
import { isLoopback } from '../registry/registry-network'

export type DiskSource =
  { readonly kind: 'url'; readonly name: string } | { readonly kind: 'file'; readonly name: string }

const MAX_LENGTH = 4096

/**
 * @returns `name` is the URL in its normal form, or the absolute path
 * @throws INVALID_ARGUMENT for anything but an https URL (http on this computer, or if asked for) without
 *   a login in it, or an absolute path
 */
export function parseDiskSource(text: string, plainHttp = false): DiskSource {
  if (text.length > MAX_LENGTH || text.includes('\0')) throw refused(text, 'is no address')
  if (isAbsolute(text)) return { kind: 'file', name: normalize(text) }
  if (!URL.canParse(text)) throw refused(text, 'is neither a URL nor an absolute path')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refused(text, 'is no https address')
  if (url.protocol === 'http:' && !plainHttp && !isLoopback(url.hostname))
    throw refused(
      text,
      'is not encrypted',
      'Plain HTTP is used for this computer only, or on request: microvm disk pull --plain-http.',
    )
  if (url.username !== '' || url.password !== '')
    throw refused(url.host, 'would be sent a login', 'Leave the name and password out of the URL.')
  url.hash = ''
  return { kind: 'url', name: url.href }
}

/**
 * The checksum of a file as it is published.
 * @returns 64 lower-case hex digits
 * @throws INVALID_ARGUMENT
 */
export function parseSha256(text: string): string {
  const hex = text
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '')
  if (/^[0-9a-f]{64}$/.test(hex)) return hex
  throw new MicrovmError('INVALID_ARGUMENT', `${quote(text)} is no SHA-256 checksum`, {
    hint: 'It has 64 hex digits, as in the SHA256SUMS beside the image.',
  })
}

/** What to call it for people: no query, which may be a secret. */
export function shownSource({ kind, name }: DiskSource): string {
  if (kind === 'file') return name
  const { host, pathname } = new URL(name)
  return `${host}${pathname}`
}

function refused(
  text: string,
  why: string,
  hint = 'Give an https:// address of a disk image, or the path of a file.',
): MicrovmError {
  return new MicrovmError('INVALID_ARGUMENT', `${quote(text)} ${why}`, { hint })
}
