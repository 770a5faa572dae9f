// SPDX-License-Identifier: Apache-2.0
// Reads what users type on the command line: sizes, ports, variables. A mistake is told with the
// form that would be right.
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import { diskFromText } from '../../contract/disk-text'
import {
  diskSchema,
  envNameSchema,
  isDiskUrl,
  mountSchema,
  portForwardSchema,
  type DiskSpec,
  type Mount,
  type PortForward,
} from '../../contract/vm-spec'

const MIB_PER_UNIT: Readonly<Record<string, number>> = { m: 1, g: 1024, t: 1024 * 1024 }

/** "512", "512M", "1G", "1.5GiB" → MiB. `option` is named when it is none of these. */
export function parseMib(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([mgt])(?:i?b)?)?$/i.exec(text.trim())
  const mib = Number(match?.[1]) * (MIB_PER_UNIT[match?.[2]?.toLowerCase() ?? 'm'] ?? 1)
  if (!Number.isSafeInteger(mib)) {
    throw usage(
      `${option} is not a size: "${text}"`,
      'Give MiB as a number, or with a unit: 512, 2048M, 1G.',
    )
  }
  return mib
}

/** "8080:80" → host 8080 to guest 80; "80" or "0:80": any free port of the host to guest 80. */
export function parsePort(text: string): PortForward {
  const match = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(text.trim())
  const port = portForwardSchema.safeParse({
    host: Number(match?.[1] ?? 0),
    guest: Number(match?.[2]),
  })
  if (!port.success) {
    throw usage(
      `not a port forward: "${text}"`,
      'Give HOST:GUEST, both from 1 to 65535, or just the guest’s port to have a free one chosen.',
    )
  }
  return port.data
}

/**
 * "HOST:GUEST", "HOST:GUEST:ro": the host's folder HOST at GUEST in the machine. HOST may have colons, be relative to
 * the working directory, and begin with ~.
 */
export function parseMount(text: string): Mount {
  const [, host = '', guestPath, access] = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? []
  const hostPath = resolve(host.replace(/^~(?=\/|$)/, homedir()))
  const mount = mountSchema.safeParse({ hostPath, guestPath, readOnly: access === 'ro' })
  if (mount.success) return mount.data
  const why = guestPath === undefined ? '' : ` (${mount.error.issues[0]?.message})`
  throw usage(
    `not a shared folder: "${text}"${why}`,
    'Give HOST:GUEST, or HOST:GUEST:ro for a folder the machine may only read: --mount .:/work.',
  )
}

/**
 * "SOURCE", "SOURCE:GUEST", "SOURCE:rw", "SOURCE:GUEST:rw": SOURCE as an extra disk, mounted at GUEST. SOURCE is a file,
 * relative to the working directory or from ~ on, or an address, perhaps with #sha256=HEX after it.
 */
export function parseDisk(text: string): DiskSpec {
  // In an address two slashes follow a colon, or a port does.
  const form = /^([^:].*?)(?::(\/(?!\/)[^:]*))?(?::(ro|rw))?$/
  const [, typed = '', guestPath, access] = form.exec(text) ?? []
  const { source, sha256 } = diskFromText(typed)
  const disk = diskSchema.safeParse({
    source:
      typed === '' || isDiskUrl(source) ? source : resolve(source.replace(/^~(?=\/|$)/, homedir())),
    sha256,
    readOnly: access !== 'rw',
    guestPath,
  })
  if (disk.success) return disk.data
  throw usage(
    `not a disk: "${text}" (${disk.error.issues[0]?.message})`,
    'Give FILE or URL, then :GUEST to have it mounted there, and :rw if it may be written: --add-disk data.img:/data:rw.',
  )
}

/** "NAME=value", or "NAME" for the value it has here. */
export function parseEnv(
  texts: readonly string[],
  here: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=')
      const name = equals === -1 ? text : text.slice(0, equals)
      if (!envNameSchema.safeParse(name).success) {
        throw usage(
          `not a variable: "${text}"`,
          'Give NAME=value; a name has letters, digits and _.',
        )
      }
      const value = equals === -1 ? here[name] : text.slice(equals + 1)
      if (value === undefined) {
        throw usage(`${name} is not set here`, `Give its value: --env ${name}=value.`)
      }
      return [name, value]
    }),
  )
}

const MS_PER_UNIT: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "30m", "12h", "7d" → milliseconds. `option` is named when it is none of these. */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d{1,6})([mhd])$/.exec(text.trim())
  if (match) return Number(match[1]) * MS_PER_UNIT[match[2]!]!
  throw usage(`${option} is not a time: "${text}"`, 'Give a number and a unit: 30m, 12h, 7d.')
}

/** "1" to "COUNT" → index from 0. */
export function parsePlace(text: string, count: number, option: string): number {
  const place = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (place >= 1 && place <= count) return place - 1
  throw usage(`${option} is "${text}"`, `Give a number from 1 to ${count}.`)
}

export function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw usage(`not a number of CPUs: "${text}"`, 'Give a whole number from 1 on.')
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends MicrovmError {}

export function usage(message: string, hint: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', message, { hint })
}
