// SPDX-License-Identifier: Apache-2.0
// The command line that does what the window does, to show and to copy. Pure.
import { diskAsText } from '../../../contract/disk-text'
import { isDiskUrl, vmLimits, type VmSpecInput } from '../../../contract/vm-spec'

/** One word for a POSIX shell: bare if that is safe, else in single quotes. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * `cli run IMAGE …` for a spec; what equals the default is left out. With a command of its own the
 * machine is detached: attached, the command line would run it in a session instead.
 * undefined: the command line has no way to say it (a machine that idles, an owner of a shared folder's files, a name with a colon).
 */
export function runCommand(cli: string, spec: VmSpecInput): string | undefined {
  if (spec.command?.length === 0) return undefined
  if (!(spec.mounts ?? []).every(canBeSaid)) return undefined
  if (!(spec.disks ?? []).every(diskCanBeSaid)) return undefined
  const own = spec.command ?? []
  const words = ['run', ...(own.length > 0 ? ['--detach'] : []), ...options(spec)]
  words.push(quoteWord(spec.image))
  if (own.length > 0) words.push('--', ...own.map(quoteWord))
  return [cli, ...words].join(' ')
}

/** --mount names no owner, and ends the path in the machine at a colon. */
const canBeSaid = ({ owner, guestPath }: NonNullable<VmSpecInput['mounts']>[number]): boolean =>
  owner === undefined && !guestPath.includes(':')

/** --add-disk takes what follows a file's name and a colon for something else. */
const diskCanBeSaid = ({ source, guestPath = '' }: Disk): boolean =>
  (isDiskUrl(source) ? !/:(?:\/(?!\/)|r[ow]$)/.test(source) : !source.includes(':')) &&
  !guestPath.includes(':')

type Disk = NonNullable<VmSpecInput['disks']>[number]
function diskWord({ source, sha256, readOnly, guestPath }: Disk): string {
  const place = guestPath === undefined ? '' : `:${guestPath}`
  return `${diskAsText({ source, sha256 })}${place}${readOnly === false ? ':rw' : ''}`
}

function options(spec: VmSpecInput): string[] {
  const flags: string[] = ['--name', quoteWord(spec.name)]
  const number = (flag: string, value: number | undefined, usual: number): void => {
    if (value !== undefined && value !== usual) flags.push(flag, String(value))
  }
  number('--cpus', spec.cpus, vmLimits.cpus.default)
  number('--memory', spec.memoryMib, vmLimits.memoryMib.default)
  number('--disk', spec.diskMib, vmLimits.diskMib.default)
  for (const port of spec.ports ?? []) flags.push('--port', `${port.host}:${port.guest}`)
  for (const { hostPath, guestPath, readOnly } of spec.mounts ?? [])
    flags.push('--mount', quoteWord(`${hostPath}:${guestPath}${readOnly === true ? ':ro' : ''}`))
  for (const disk of spec.disks ?? []) flags.push('--add-disk', quoteWord(diskWord(disk)))
  for (const [name, value] of Object.entries(spec.env ?? {}))
    flags.push('--env', quoteWord(`${name}=${value}`))
  if (spec.user !== undefined) flags.push('--user', quoteWord(spec.user))
  if (spec.workdir !== undefined) flags.push('--workdir', quoteWord(spec.workdir))
  if (spec.backend !== undefined) flags.push('--backend', spec.backend)
  if (spec.autoRemove === true) flags.push('--rm')
  return flags
}
