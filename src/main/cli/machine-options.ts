// SPDX-License-Identifier: Apache-2.0
// The options `run` and `create` share, and the machine they describe.
import { z } from 'zod'
import { vmSpecSchema, type PortForward, type VmSpecInput } from '../../contract/vm-spec'
import { parseEnv, usage } from './arguments'
import type { CommandContext } from './context'

export interface MachineOptions {
  readonly name?: string
  readonly cpus?: number
  readonly memory?: number
  readonly disk?: number
  readonly port?: readonly PortForward[]
  readonly env?: readonly string[]
  readonly workdir?: string
  readonly user?: string
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
  const { machines } = await context.engine()
  const parsed = vmSpecSchema.safeParse({
    name: options.name ?? (await machines.suggestName()),
    image,
    cpus: options.cpus,
    memoryMib: options.memory,
    diskMib: options.disk,
    ports: options.port,
    env: parseEnv(options.env ?? [], context.terminal.env),
    command,
    workdir: options.workdir,
    user: options.user,
    autoRemove: options.rm,
  })
  if (parsed.success) return parsed.data
  throw usage(describeIssues(parsed.error), 'See `microvm run --help`.')
}

const optionOf: Readonly<Record<string, string>> = {
  memoryMib: '--memory (MiB)',
  diskMib: '--disk (MiB)',
  ports: '--port',
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
