// SPDX-License-Identifier: Apache-2.0
// What registries answer in JSON, checked. A module of its own, so that the threads that fetch layers
// need not load the checker: they start sooner, and every collection of their garbage takes less.
import { z } from 'zod'
import { quote } from '../digest'

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().positive().max(1e9).optional().catch(undefined),
})

/** A token server's answer (distribution's "Token Authentication"); undefined if it is none. */
export function parseToken(
  bytes: Buffer,
): { value: string; expiresInS: number | undefined } | undefined {
  try {
    const parsed = tokenSchema.parse(JSON.parse(bytes.toString()))
    const value = parsed.token || parsed.access_token
    // Nothing that could end the header it goes into.
    if (!value || !/^[\x21-\x7e]+$/.test(value)) return undefined
    return { value, expiresInS: parsed.expires_in }
  } catch {
    return undefined
  }
}

const errorsSchema = z.object({
  errors: z.array(z.object({ message: z.string().optional() })).min(1),
})

/** What the registry says is wrong (distribution-spec, "Error codes"). */
export function messageOf(body: Buffer): string | undefined {
  try {
    const { message } = errorsSchema.parse(JSON.parse(body.toString())).errors[0]!
    return message === undefined ? undefined : quote(message)
  } catch {
    return undefined
  }
}
