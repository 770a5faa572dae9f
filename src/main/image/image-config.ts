// SPDX-License-Identifier: Apache-2.0
// An image's config (image-spec, config.md; Docker's is the same): what to run and what the layers
// are. Fields Go writes as null count as absent.
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { digestSchema, type ImageConfig } from '../../contract/images'
import { MAX_CONFIG_BYTES, MAX_LAYERS } from './limits'
import { parseJson } from './manifest'
import type { Platform } from './platform'

export interface ParsedConfig {
  readonly config: ImageConfig
  readonly platform: Platform
  readonly diffIds: readonly string[]
  /** Of each layer, the command that made it; '' if the history does not say. */
  readonly createdBy: readonly string[]
  /** Milliseconds since the epoch. */
  readonly createdAt?: number
}

/** None of these can reach a process in the guest with a NUL in it. */
const text = z.string().refine((value) => !value.includes('\0'), 'holds a NUL')
const texts = z.array(text).nullish()

const schema = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().nullish(),
  created: z.string().nullish(),
  config: z
    .object({
      Entrypoint: texts,
      Cmd: texts,
      Env: texts,
      WorkingDir: text.nullish(),
      User: text.nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      StopSignal: text.nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(digestSchema).max(MAX_LAYERS).nullish() }),
  history: z
    .array(z.object({ created_by: z.string().nullish(), empty_layer: z.boolean().nullish() }))
    .max(10 * MAX_LAYERS)
    .nullish(),
})

/** @throws IMAGE_INVALID */
export function parseImageConfig(bytes: Buffer): ParsedConfig {
  if (bytes.length > MAX_CONFIG_BYTES)
    throw new MicrovmError('IMAGE_TOO_LARGE', `the image's config has ${bytes.length} bytes`)
  const parsed = schema.safeParse(parseJson(bytes))
  if (!parsed.success)
    throw new MicrovmError(
      'IMAGE_INVALID',
      `the image's config is broken: ${z.prettifyError(parsed.error).split('\n').join(' ')}`,
    )
  const { config, rootfs, history, created, os, architecture, variant } = parsed.data
  const diffIds = rootfs.diff_ids ?? []
  const steps = (history ?? []).filter((step) => !step.empty_layer)
  const createdAt = Date.parse(created ?? '')
  return {
    config: {
      entrypoint: config?.Entrypoint ?? [],
      cmd: config?.Cmd ?? [],
      env: (config?.Env ?? []).filter((variable) => variable.indexOf('=') > 0),
      workdir: config?.WorkingDir || '/',
      user: config?.User ?? '',
      exposedPorts: tcpPorts(Object.keys(config?.ExposedPorts ?? {})),
      stopSignal: config?.StopSignal || 'SIGTERM',
    },
    platform: { os, architecture, variant: variant ?? undefined },
    diffIds,
    createdBy: diffIds.map((_, index) => steps[index]?.created_by ?? ''),
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
  }
}

/** "80/tcp", "8000-8010", "53/udp" → the TCP ones, ascending. A range counts with its first port. */
function tcpPorts(names: readonly string[]): number[] {
  const ports = names.flatMap((name) => {
    const match = /^([0-9]{1,5})(?:-[0-9]{1,5})?(?:\/tcp)?$/i.exec(name)
    const port = Number(match?.[1])
    return port >= 1 && port <= 65_535 ? [port] : []
  })
  return [...new Set(ports)].toSorted((a, b) => a - b)
}
