// SPDX-License-Identifier: Apache-2.0
// The options `run` and `create` share, and the machine they describe.
import type { z } from 'zod'
import { vmSpecSchema, type VmSpecInput } from '../../contract/vm-spec'
import {
  parseCount,
  parseDisk,
  parseEnv,
  parseMib,
  parseMount,
  parsePort,
  usage,
} from './arguments'
import type { CommandContext } from './context'

export interface MachineOptions {
  readonly name?: string
  readonly cpus?: string
  readonly memory?: string
  readonly disk?: string
  readonly port?: readonly string[]
  readonly mount?: readonly string[]
  readonly addDisk?: readonly string[]
  readonly env?: readonly string[]
  readonly workdir?: string
  readonly user?: string
  readonly backend?: string
  readonly rm?: boolean
}

/**
 * @param command absent: the image's own; empty: the machine idles
 * @throws UsageError naming the option that is wrong
 */
export async function buildSpec(
  context: CommandContext,
  image: string,
  options: MachineOptions,
  command: readonly string[] | undefined,
): Promise<VmSpecInput> {
  const { cpus, memory, disk, port, mount, addDisk, env } = options
  const given = {
    cpus: cpus === undefined ? undefined : parseCount(cpus),
    memoryMib: memory === undefined ? undefined : parseMib(memory, '--memory'),
    diskMib: disk === undefined ? undefined : parseMib(disk, '--disk'),
    ports: port?.map(parsePort),
    mounts: mount?.map(parseMount),
    disks: addDisk?.map(parseDisk),
    env: parseEnv(env ?? [], context.terminal.env),
  }
  const { machines } = await context.engine()
  const parsed = vmSpecSchema.safeParse({
    ...given,
    name: options.name ?? (await machines.suggestName()),
    image,
    command,
    workdir: options.workdir,
    user: options.user,
    backend: options.backend,
    autoRemove: options.rm,
  })
  if (parsed.success) return parsed.data
  throw usage(describeIssues(parsed.error), 'See `microvm run --help`.')
}

const optionOf: Readonly<Record<string, string>> = {
  memoryMib: '--memory',
  diskMib: '--disk',
  ports: '--port',
  mounts: '--mount',
  disks: '--add-disk',
  image: 'IMAGE',
  command: 'CMD',
}

function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => {
      const field = String(path[0] ?? '')
      return `${optionOf[field] ?? `--${field}`}: ${message}`
    })
    .join('; ')
}
