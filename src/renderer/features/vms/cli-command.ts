// SPDX-License-Identifier: Apache-2.0
// The command line that does what the window does, to show and to copy. Pure.
import { vmLimits, type VmSpecInput } from '../../../contract/vm-spec'

/** One word for a POSIX shell: bare if that is safe, else in single quotes. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * `cli run IMAGE …` for a spec; what equals the default is left out. With a command of its own the
 * machine is detached: attached, the command line would run it in a session instead.
 * undefined: the command line has no way to say it (a machine that idles, an owner of a shared folder's files).
 */
export function runCommand(cli: string, spec: VmSpecInput): string | undefined {
  if (spec.command?.length === 0 || !(spec.mounts ?? []).every(canBeSaid)) return undefined
  const own = spec.command ?? []
  const words = ['run', ...(own.length > 0 ? ['--detach'] : []), ...options(spec)]
  words.push(quoteWord(spec.image))
  if (own.length > 0) words.push('--', ...own.map(quoteWord))
  return [cli, ...words].join(' ')
}

/** --mount names no owner, and ends the path in the machine at a colon. */
const canBeSaid = ({ owner, guestPath }: NonNullable<VmSpecInput['mounts']>[number]): boolean =>
  owner === undefined && !guestPath.includes(':')

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
  for (const [name, value] of Object.entries(spec.env ?? {}))
    flags.push('--env', quoteWord(`${name}=${value}`))
  if (spec.user !== undefined) flags.push('--user', quoteWord(spec.user))
  if (spec.workdir !== undefined) flags.push('--workdir', quoteWord(spec.workdir))
  if (spec.backend !== undefined) flags.push('--backend', spec.backend)
  if (spec.autoRemove === true) flags.push('--rm')
  return flags
}
