// SPDX-License-Identifier: Apache-2.0
// The guest bundle: what every machine gets at /.microvm, as one tar with a manifest beside it
// (scripts/guest/make-bundle.mjs). Reads and checks the manifest; the tar itself is an image layer
// like any other and is taken in, hashed, by the image store.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const size = z.number().int().nonnegative()

const manifestSchema = z.object({
  version: z.literal(1),
  tar: z.object({ sha256, size }),
  files: z
    .array(
      z.object({
        path: z.string().startsWith('.microvm/'),
        sha256,
        size,
        package: z.string(),
        packageVersion: z.string(),
      }),
    )
    .min(1),
})

export interface GuestBundle {
  readonly tarPath: string
  /** Digest of the tar: the bundle's identity, and its diffID as a layer. */
  readonly digest: string
  /** Each regular file inside, and the Debian package it came from ("microvm-desktop": ours). */
  readonly files: z.infer<typeof manifestSchema>['files']
}

const hint = 'Run `npm run setup` in the project’s folder, or install the app again.'

/**
 * The bundle in `guestDir`.
 * @throws PREFLIGHT_FAILED if its manifest is missing or not of this version's form
 */
export async function openGuestBundle(guestDir: string): Promise<GuestBundle> {
  const path = join(guestDir, 'manifest.json')
  try {
    const { tar, files } = manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    return { tarPath: join(guestDir, 'bundle.tar'), digest: `sha256:${tar.sha256}`, files }
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    const message = `the guest bundle's manifest cannot be used: ${why}`
    throw new MicrovmError('PREFLIGHT_FAILED', message, { hint, cause })
  }
}

/**
 * The tar was hashed when it was taken in; it must be the one its manifest is about.
 * @throws DIGEST_MISMATCH
 */
export function checkGuestBundle(bundle: GuestBundle, digest: string): void {
  if (digest === bundle.digest) return
  const message = `${bundle.tarPath} has the digest ${digest}, not ${bundle.digest} as its manifest says`
  throw new MicrovmError('DIGEST_MISMATCH', message, { hint })
}
