// SPDX-License-Identifier: Apache-2.0
// Tar archives made byte by byte, also ones no tool would make.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export interface Member {
  readonly name: string | Buffer
  /** '0' unless given. */
  readonly flag?: string
  readonly data?: Buffer | string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly link?: string | Buffer
  readonly major?: number
  readonly minor?: number
  /** Written in place of the length of the data. */
  readonly size?: number
  readonly format?: 'ustar' | 'gnu' | 'v7'
  readonly prefix?: string
  /** PAX records that come before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>
}

export const END = Buffer.alloc(1024)

/** A whole archive with its end. */
export function tarOf(...members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(memberBytes), END])
}

export function memberBytes(member: Member): Buffer {
  const data = Buffer.from(member.data ?? '')
  return Buffer.concat([
    ...(member.pax ? [paxMember(member.pax)] : []),
    headerBlock(member, member.size ?? data.length),
    padded(data),
  ])
}

export function paxMember(records: Readonly<Record<string, string | Buffer>>, flag = 'x'): Buffer {
  const data = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)))
  return Buffer.concat([headerBlock({ name: 'PaxHeader', flag }, data.length), padded(data)])
}

function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length++
  return Buffer.concat([Buffer.from(String(length)), rest])
}

export function headerBlock(member: Member, size: number): Buffer {
  const block = Buffer.alloc(512)
  Buffer.from(member.name).copy(block, 0, 0, 100)
  octal(block, 100, 8, member.mode ?? (member.flag === '5' ? 0o755 : 0o644))
  octal(block, 108, 8, member.uid ?? 0)
  octal(block, 116, 8, member.gid ?? 0)
  octal(block, 124, 12, size)
  octal(block, 136, 12, member.mtime ?? 0)
  block.write(member.flag ?? '0', 156, 'latin1')
  Buffer.from(member.link ?? '').copy(block, 157, 0, 100)
  const format = member.format ?? 'ustar'
  if (format !== 'v7') {
    block.write(format === 'gnu' ? 'ustar  \0' : 'ustar\u000000', 257, 'latin1')
    octal(block, 329, 8, member.major ?? 0)
    octal(block, 337, 8, member.minor ?? 0)
    block.write(member.prefix ?? '', 345, 155)
  }
  return sealed(block)
}

/** Writes the checksum. */
export function sealed(block: Buffer): Buffer {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

export function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), at, length - 1, 'latin1')
}

export const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A layer as an image has it. */
export function layerOf(
  tar: Buffer,
  compress = true,
): { blob: Buffer; digest: string; diffId: string } {
  const blob: Buffer = compress ? gzipSync(tar) : tar
  return { blob, digest: sha256(blob), diffId: sha256(tar) }
}
