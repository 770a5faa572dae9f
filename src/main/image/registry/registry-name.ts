// SPDX-License-Identifier: Apache-2.0
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'
import { parseReference } from '../reference'

/**
 * The name a registry goes by in references, from what users and other tools write for it.
 * @throws INVALID_ARGUMENT
 */
export function readRegistryName(text: string): string {
  const host = text
    .trim()
    .replace(/^https?:\/\//, '')
    .replace(/\/(?:v[12]\/?)?$/, '')
  try {
    const { registry, repository } = parseReference(`${host}/a/b`)
    // Only a whole host before the first slash leaves the rest as it was.
    if (repository === 'a/b') return registry === 'registry-1.docker.io' ? 'docker.io' : registry
  } catch {
    // Told below, in words that fit.
  }
  throw new MicrovmError('INVALID_ARGUMENT', `${quote(text)} is no registry`, {
    hint: 'Give its host, and its port if it has one: ghcr.io, registry.example:5000.',
  })
}
