// SPDX-License-Identifier: Apache-2.0
// A disk's source as one word that people type, paste and read: a path, or an address with the checksum of
// what it must give: https://example.org/disk.img#sha256=HEX. Pure.
import { isDiskUrl, type DiskSpec } from './vm-spec'

type Source = Pick<DiskSpec, 'source' | 'sha256'>

/** Checks nothing: the schema does. A path may have any character, so nothing is looked for in one. */
export function diskFromText(text: string): Source {
  const trimmed = text.trim()
  if (!isDiskUrl(trimmed)) return { source: text }
  const [, source = trimmed, sha256] = /^([^#]*)(?:#sha256=([^#]*))?$/.exec(trimmed) ?? []
  return sha256 === undefined ? { source } : { source, sha256: sha256.toLowerCase() }
}

export const diskAsText = ({ source, sha256 }: Source): string =>
  sha256 === undefined ? source : `${source}#sha256=${sha256}`
