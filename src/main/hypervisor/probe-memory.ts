// SPDX-License-Identifier: Apache-2.0
// Remembers what a probe found, in this process and in a file for the next one. An answer holds as long as
// its key, which names everything that it depends on. Only good news goes into the file: what is
// missing may be there the next moment.
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { backendChoiceSchema } from '../../contract/vm-state'
import { writeFileAtomic } from '../lib/atomic-file'
import type { Logger } from '../lib/logger'
import type { BackendProbe } from './backend'

const availableSchema = z.object({
  available: z.literal(true),
  choice: backendChoiceSchema,
  detail: z.string(),
  hint: z.string().optional(),
  rootfs: z.enum(['disk', 'directory']),
  maxCpus: z.number(),
})
const cacheSchema = z.object({ key: z.string(), probe: availableSchema })

export interface ProbeMemory {
  /** The answer to `key`: remembered, or else what `ask` says now. */
  remember(key: string, ask: () => Promise<BackendProbe>): Promise<BackendProbe>
}

/** @param path of the file; its folder is made */
export function createProbeMemory(folder: string, name: string, logger: Logger): ProbeMemory {
  const path = join(folder, name)
  let last: { key: string; probe: Promise<BackendProbe> } | undefined
  const find = async (key: string, ask: () => Promise<BackendProbe>): Promise<BackendProbe> => {
    const cached = await readCache(path)
    if (cached?.key === key) return cached.probe
    const probe = await ask()
    logger.info('backend probed', { ...probe })
    if (probe.available)
      await mkdir(folder, { recursive: true, mode: 0o700 })
        .then(() => writeFileAtomic(path, `${JSON.stringify({ key, probe })}\n`))
        .catch((error: unknown) => logger.warn('the probe cannot be remembered', { error }))
    return probe
  }
  return {
    remember: async (key, ask) => {
      if (last?.key !== key) last = { key, probe: find(key, ask) }
      return await last.probe
    },
  }
}

async function readCache(path: string): Promise<z.output<typeof cacheSchema> | undefined> {
  try {
    return cacheSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined // a cache: whatever is wrong with it, asking again is right
  }
}

/** What tells one version of some files from another, and one boot of the host from the next. */
export async function versionOf(paths: readonly string[]): Promise<unknown[]> {
  const files = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return [...files.map((file) => [file?.ino, file?.size, file?.mtimeMs]), boot.trim()]
}
