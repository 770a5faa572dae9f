// SPDX-License-Identifier: Apache-2.0
// What the images say of their files, in words. Pure. Names and texts come from images, so nothing in
// them may move or hide what stands beside them.
import type { FileEntry, LayerChanges } from '../../../contract/images'
import { formatBytes, formatCount } from '../../ui/format'

/** Control characters, and those that reorder or hide text (Unicode, "Cf": bidi marks, zero width). */
const treacherous = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu

/** A name in which every character can be seen. */
export function visibleName(name: string): string {
  return name.replace(treacherous, picture)
}

/** The same for a text, which may have tabs and lines. */
export function visibleText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(treacherous, (sign) => (sign === '\n' || sign === '\t' ? sign : picture(sign)))
}

/** Unicode has pictures of the ASCII control characters. */
function picture(sign: string): string {
  const code = sign.codePointAt(0)!
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}

const letters: Readonly<Record<FileEntry['type'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
}

/** As `ls -l` has it: "drwxr-xr-x", "-rwsr-xr-t". */
export function modeText({ type, mode }: Pick<FileEntry, 'type' | 'mode'>): string {
  const triple = (shift: number, special: number, sign: string): string => {
    const bits = (mode >> shift) & 7
    const execute = (bits & 1) !== 0
    const isSpecial = (mode & special) !== 0
    const last = isSpecial ? (execute ? sign : sign.toUpperCase()) : execute ? 'x' : '-'
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`
  }
  return letters[type] + triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't')
}

/** "root", or the numbers: names are in the image's own files. */
export function ownerText({ uid, gid }: Pick<FileEntry, 'uid' | 'gid'>): string {
  return uid === 0 && gid === 0 ? 'root' : `${uid}:${gid}`
}

type Counts = Pick<LayerChanges, 'added' | 'changed' | 'removed'>

/** "+ 5,120 ~ 61 − 4": what there is of it; '' for nothing. */
export function changesText({ added, changed, removed }: Counts): string {
  const parts: [string, number][] = [
    ['+', added],
    ['~', changed],
    ['−', removed],
  ]
  return parts
    .filter(([, count]) => count > 0)
    .map(([sign, count]) => `${sign} ${formatCount(count)}`)
    .join('  ')
}

/** "+ 5,120  ~ 61 · hides 41 MB · 12 MB hidden later". */
export function layerText(changes: LayerChanges): string {
  const { hiddenBytes, wastedBytes } = changes
  return [
    changesText(changes) || 'no change',
    hiddenBytes > 0 ? `hides ${formatBytes(hiddenBytes)}` : '',
    wastedBytes > 0 ? `${formatBytes(wastedBytes)} hidden later` : '',
  ]
    .filter(Boolean)
    .join(' · ')
}
