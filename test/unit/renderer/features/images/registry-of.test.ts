// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { registryOf } from '../../../../../src/renderer/features/images/registry-of'

it.each([
  ['debian', 'docker.io'],
  ['debian:12.5', 'docker.io'],
  ['acme/web:slim', 'docker.io'],
  ['docker.io/library/debian', 'docker.io'],
  ['index.docker.io/library/debian', 'docker.io'],
  ['ghcr.io/acme/web', 'ghcr.io'],
  ['localhost/web', 'localhost'],
  ['127.0.0.1:5000/acme/web:v1', '127.0.0.1:5000'],
])('%s comes from %s', (reference, registry) => {
  expect(registryOf(reference)).toBe(registry)
})
