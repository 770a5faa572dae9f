// SPDX-License-Identifier: Apache-2.0
// What is typed into the New machine dialog, and what it means: a spec, or what is wrong with it,
// field by field. Pure. The contract's schema judges; the host's limits come on top.
import type { AppInfo } from '../../../../contract/ipc'
import { diskFromText } from '../../../../contract/disk-text'
import {
  envNameSchema,
  vmLimits,
  vmSpecSchema,
  type BackendName,
  type VmSpecInput,
} from '../../../../contract/vm-spec'
import { formatMib, formatPlural } from '../../../ui/format'
import { splitWords } from './words'

export interface PortDraft {
  /** Names the row while it is edited. */
  readonly id: string
  /** '' means any free port. */
  readonly host: string
  readonly guest: string
}

export interface FolderDraft {
  /** Names the row while it is edited. */
  readonly id: string
  readonly hostPath: string
  readonly guestPath: string
  readonly readOnly: boolean
}

export interface DiskDraft {
  /** Names the row while it is edited. */
  readonly id: string
  /** A file's path, or an address as it is typed, perhaps with a checksum. */
  readonly source: string
  readonly isFile: boolean
  /** '' means it is not mounted. */
  readonly guestPath: string
  readonly readOnly: boolean
}

export interface Draft {
  readonly image: string
  readonly name: string
  /** NaN while what is typed is no number. */
  readonly cpus: number
  readonly memoryMib: number
  readonly diskMib: number
  readonly ports: readonly PortDraft[]
  readonly mounts: readonly FolderDraft[]
  readonly disks: readonly DiskDraft[]
  /** A command line; '' keeps the image's own. */
  readonly command: string
  /** No command at all: the machine idles. */
  readonly idle: boolean
  /** NAME=value, one a line. */
  readonly env: string
  readonly user: string
  readonly workdir: string
  /** '' leaves the choice to the app. */
  readonly backend: BackendName | ''
  readonly autoRemove: boolean
}

export const emptyDraft: Draft = {
  image: '',
  name: '',
  cpus: vmLimits.cpus.default,
  memoryMib: vmLimits.memoryMib.default,
  diskMib: vmLimits.diskMib.default,
  ports: [],
  mounts: [],
  disks: [],
  command: '',
  idle: false,
  env: '',
  user: '',
  workdir: '',
  backend: '',
  autoRemove: false,
}

/** "ports.1.guest" or "memoryMib" → what is wrong there. */
export type DraftErrors = Readonly<Record<string, string>>

export interface DraftContext {
  readonly host: AppInfo['host'] | undefined
  readonly takenNames: readonly string[]
  readonly takenHostPorts: readonly number[]
}

export type Judged =
  | { readonly ok: true; readonly spec: VmSpecInput }
  | { readonly ok: false; readonly errors: DraftErrors }

/** The spec a draft stands for, or every error in it. */
export function judgeDraft(draft: Draft, context: DraftContext): Judged {
  const errors: Record<string, string> = { ...contextErrors(draft, context) }
  const add = (path: string, message: string): void => {
    errors[path] ??= message
  }
  const env = parseEnv(draft.env)
  if (env.error !== undefined) add('env', env.error)
  const words = draft.idle ? [] : splitWords(draft.command)
  if (words === undefined) add('command', 'a quote is not closed')
  const spec = toSpec(draft, env.values, words ?? [])
  const parsed = vmSpecSchema.safeParse(spec)
  for (const issue of parsed.error?.issues ?? []) {
    const path = issue.path.join('.')
    add(path, wordings[path.replace(/\d+/, '#')] ?? issue.message)
  }
  return Object.keys(errors).length === 0 ? { ok: true, spec } : { ok: false, errors }
}

const wordings: Partial<Record<string, string>> = {
  image: 'choose an image',
  cpus: `a whole number from ${vmLimits.cpus.min} to ${vmLimits.cpus.max}`,
  memoryMib: `from ${formatMib(vmLimits.memoryMib.min)} to ${formatMib(vmLimits.memoryMib.max)}, such as “2 GB”`,
  diskMib: `from ${formatMib(vmLimits.diskMib.min)} to ${formatMib(vmLimits.diskMib.max)}, such as “20 GB”`,
  workdir: 'an absolute path, such as /srv',
  'ports.#.host': 'a port from 1 to 65535, or empty for any free one',
  'ports.#.guest': 'a port from 1 to 65535',
}

function toSpec(draft: Draft, env: Record<string, string>, words: readonly string[]): VmSpecInput {
  return {
    name: draft.name.trim(),
    image: draft.image.trim(),
    cpus: draft.cpus,
    memoryMib: draft.memoryMib,
    diskMib: draft.diskMib,
    ports: draft.ports.map(({ host, guest }) => ({
      host: host.trim() === '' ? 0 : toPort(host),
      guest: toPort(guest),
    })),
    mounts: draft.mounts.map(({ hostPath, guestPath, readOnly }) => ({
      hostPath,
      guestPath: guestPath.trim(),
      readOnly,
    })),
    disks: draft.disks.map(toDisk),
    env,
    autoRemove: draft.autoRemove,
    ...(draft.idle || words.length > 0 ? { command: [...words] } : {}),
    ...(draft.user.trim() === '' ? {} : { user: draft.user.trim() }),
    ...(draft.workdir.trim() === '' ? {} : { workdir: draft.workdir.trim() }),
    ...(draft.backend === '' ? {} : { backend: draft.backend }),
  }
}

function toDisk({
  source,
  isFile,
  guestPath,
  readOnly,
}: DiskDraft): NonNullable<VmSpecInput['disks']>[number] {
  return {
    ...(isFile ? { source } : diskFromText(source)),
    readOnly,
    ...(guestPath.trim() === '' ? {} : { guestPath: guestPath.trim() }),
  }
}

function toPort(text: string): number {
  return /^\s*\d{1,6}\s*$/.test(text) ? Number(text) : Number.NaN
}

function contextErrors(draft: Draft, context: DraftContext): DraftErrors {
  const errors: Record<string, string> = {}
  const { host, takenNames, takenHostPorts } = context
  if (takenNames.includes(draft.name.trim())) errors['name'] = 'another machine has this name'
  if (host !== undefined && draft.cpus > host.cores)
    errors['cpus'] = `this computer has ${formatPlural(host.cores, 'core')}`
  if (host !== undefined && draft.memoryMib > host.memoryMib)
    errors['memoryMib'] = `this computer has ${formatMib(host.memoryMib)}`
  const seen = new Set<number>()
  draft.ports.forEach(({ host: typed }, index) => {
    const port = toPort(typed)
    if (Number.isNaN(port)) return
    if (seen.has(port)) errors[`ports.${index}.host`] = 'forwarded twice'
    else if (takenHostPorts.includes(port))
      errors[`ports.${index}.host`] = 'another running machine has this port'
    seen.add(port)
  })
  return errors
}

/** NAME=value lines; empty ones are skipped. */
export function parseEnv(text: string): { values: Record<string, string>; error?: string } {
  const values: Record<string, string> = {}
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const at = line.indexOf('=')
    const name = line.slice(0, at).trim()
    if (at < 1) return { values, error: `“${line.trim()}” is not NAME=value` }
    if (!envNameSchema.safeParse(name).success)
      return { values, error: `“${name}” is no variable name: letters, digits and _` }
    values[name] = line.slice(at + 1)
  }
  return { values }
}
