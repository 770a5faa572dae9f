// SPDX-License-Identifier: Apache-2.0
// The files of a machine's config drive. The layout is native-runner/guest/config.h; init reads it
// without a parser, so every value is a file of its own and lists are words that end with NUL.
import { createPrivateKey } from 'node:crypto'
import { MicrovmError } from '../../contract/errors'
import type { InlineEntry } from '../rootfs/erofs/inline-image'

export interface GuestConfig {
  readonly hostname: string
  /** Lines of authorized_keys; at least one that dropbear takes. */
  readonly authorizedKeys: readonly string[]
  /** The machine's host key, a P-256 private key as PEM. */
  readonly hostKey: string
  /** NAME=value. */
  readonly env: readonly string[]
  /** Empty: the machine idles. */
  readonly argv: readonly string[]
  /** Absolute path. */
  readonly workdir: string
  /** As in an image's config: name or number, `:group` perhaps; '' is root. */
  readonly user: string
  /** Linux's number. */
  readonly stopSignal: number
  readonly stopGraceMs: number
  /** Size of /tmp. */
  readonly tmpMib: number
  readonly network: {
    readonly address: string
    readonly prefix: number
    readonly gateway: string
    readonly dns: string
    readonly mtu: number
  }
  /** Folders of the host; the runner shares each under its tag. */
  readonly shares: readonly {
    readonly tag: string
    /** Absolute path in the machine. */
    readonly target: string
    readonly readOnly: boolean
  }[]
  /** Extra disks, in the order of their names. */
  readonly disks: readonly {
    /** The block device it is on, without /dev/: the disks of one device are its last sectors, in order. */
    readonly device: string
    /** Of 512 bytes. */
    readonly sectors: number
    readonly readOnly: boolean
    /** Absolute path in the machine; absent: it is not mounted. */
    readonly target?: string
  }[]
  /** Put into the root before anything of the image runs. */
  readonly files: readonly {
    /** Absolute, without '.' and '..'. */
    readonly path: string
    readonly content: Uint8Array
    readonly mode: number
    readonly uid: number
    readonly gid: number
  }[]
}

const LAYOUT_VERSION = 1

/** Everything is root's and 0600: the drive holds a private key and perhaps secrets. */
export function configDriveEntries(config: GuestConfig): InlineEntry[] {
  const { network } = config
  const file = (path: string, content: string | Uint8Array): InlineEntry => ({
    path,
    type: 'file',
    mode: 0o600,
    content: typeof content === 'string' ? Buffer.from(content) : content,
  })
  return [
    { path: '', type: 'directory', mode: 0o700 },
    file('version', String(LAYOUT_VERSION)),
    file('hostname', config.hostname),
    file('authorized-keys', config.authorizedKeys.map((line) => `${line}\n`).join('')),
    file('host-key', dropbearKey(config.hostKey)),
    file('env', wordList(config.env)),
    file('argv', wordList(config.argv)),
    file('workdir', config.workdir),
    file('user', config.user),
    file('stop-signal', String(config.stopSignal)),
    file('stop-grace-ms', String(config.stopGraceMs)),
    file('tmp-mib', String(config.tmpMib)),
    file('network/address', network.address),
    file('network/prefix', String(network.prefix)),
    file('network/gateway', network.gateway),
    file('network/dns', network.dns),
    file('network/mtu', String(network.mtu)),
    ...config.shares.flatMap(({ tag, target, readOnly }, n) => [
      file(`shares/${n}/tag`, tag),
      file(`shares/${n}/target`, target),
      file(`shares/${n}/read-only`, readOnly ? '1' : '0'),
    ]),
    ...config.disks.flatMap(({ device, sectors, readOnly, target = '' }, n) => [
      file(`disks/${n}/device`, device),
      file(`disks/${n}/sectors`, String(sectors)),
      file(`disks/${n}/read-only`, readOnly ? '1' : '0'),
      file(`disks/${n}/target`, target),
    ]),
    ...config.files.map(({ path, ...rest }): InlineEntry => ({
      path: `files${path}`,
      type: 'file',
      ...rest,
    })),
  ]
}

/** @throws INVALID_ARGUMENT for a word with a NUL, which would end it early */
function wordList(words: readonly string[]): string {
  for (const word of words)
    if (word.includes('\0'))
      throw new MicrovmError('INVALID_ARGUMENT', `${JSON.stringify(word)} has a NUL byte`)
  return words.map((word) => `${word}\0`).join('')
}

/**
 * A P-256 private key in dropbear's own format (dropbear's ecdsa.c): the public key as SSH writes it
 * (RFC 5656, section 3.1), then the secret number as an mpint (RFC 4251, section 5).
 */
export function dropbearKey(pem: string): Buffer {
  const { crv, x, y, d } = createPrivateKey(pem).export({ format: 'jwk' })
  if (crv !== 'P-256' || x === undefined || y === undefined || d === undefined)
    throw new MicrovmError('INTERNAL', 'the host key is no P-256 private key')
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url')
  const point = Buffer.concat([Buffer.of(4), bytes(x), bytes(y)])
  return Buffer.concat([
    sshString(Buffer.from('ecdsa-sha2-nistp256')),
    sshString(Buffer.from('nistp256')),
    sshString(point),
    sshString(mpint(bytes(d))),
  ])
}

/** Positive and as short as possible: no leading zero, but for one that keeps the sign bit clear. */
function mpint(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0)
  const digits = number.subarray(Math.max(start, 0))
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
