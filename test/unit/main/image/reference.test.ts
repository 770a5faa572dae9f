// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  canonicalReference,
  familiarReference,
  parseReference,
} from '../../../../src/main/image/reference'

const hex = 'a'.repeat(64)
const canonical = (text: string): string => canonicalReference(parseReference(text))
const familiar = (text: string): string => familiarReference(parseReference(text))

describe('an image name', () => {
  it.each([
    ['debian', 'docker.io/library/debian:latest', 'debian'],
    ['debian:bookworm', 'docker.io/library/debian:bookworm', 'debian:bookworm'],
    ['library/debian', 'docker.io/library/debian:latest', 'debian'],
    ['docker.io/debian', 'docker.io/library/debian:latest', 'debian'],
    ['index.docker.io/library/debian', 'docker.io/library/debian:latest', 'debian'],
    ['acme/worker', 'docker.io/acme/worker:latest', 'acme/worker'],
    ['acme/a/b/c', 'docker.io/acme/a/b/c:latest', 'acme/a/b/c'],
    ['ghcr.io/acme/worker:1.4', 'ghcr.io/acme/worker:1.4', 'ghcr.io/acme/worker:1.4'],
    ['ghcr.io/worker', 'ghcr.io/worker:latest', 'ghcr.io/worker'],
    ['localhost/a', 'localhost/a:latest', 'localhost/a'],
    ['localhost:5000/a:b', 'localhost:5000/a:b', 'localhost:5000/a:b'],
    ['localhost:5000', 'docker.io/library/localhost:5000', 'localhost:5000'],
    ['127.0.0.1:5000/a', '127.0.0.1:5000/a:latest', '127.0.0.1:5000/a'],
    ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a'],
    ['[fe80::1]/a:b', '[fe80::1]/a:b', '[fe80::1]/a:b'],
    ['Registry/a', 'Registry/a:latest', 'Registry/a'],
    ['a__b/c--d.e_f', 'docker.io/a__b/c--d.e_f:latest', 'a__b/c--d.e_f'],
    ['docker.io/localhost/a', 'docker.io/localhost/a:latest', 'docker.io/localhost/a'],
    [`debian@sha256:${hex}`, `docker.io/library/debian@sha256:${hex}`, `debian@sha256:${hex}`],
    [
      `debian:12@sha256:${hex}`,
      `docker.io/library/debian:12@sha256:${hex}`,
      `debian:12@sha256:${hex}`,
    ],
    [
      `debian:latest@sha256:${hex}`,
      `docker.io/library/debian:latest@sha256:${hex}`,
      `debian:latest@sha256:${hex}`,
    ],
    [`a@sha512:${hex}${hex}`, `docker.io/library/a@sha512:${hex}${hex}`, `a@sha512:${hex}${hex}`],
    [`a:${'t'.repeat(128)}`, `docker.io/library/a:${'t'.repeat(128)}`, `a:${'t'.repeat(128)}`],
  ])('%s means %s and is shown as %s', (text, full, short) => {
    expect(canonical(text)).toBe(full)
    expect(familiar(text)).toBe(short)
    expect(canonical(short)).toBe(full)
    expect(canonical(full)).toBe(full)
  })

  it.each([
    ['', 'empty'],
    ['Debian', 'lower case'],
    ['a/B', 'lower case'],
    ['a:', 'tag'],
    ['a:-x', 'tag'],
    [`a:${'t'.repeat(129)}`, 'tag'],
    ['a:b:c', 'tag'],
    ['a b', 'characters'],
    ['a//b', 'characters'],
    ['/a', 'characters'],
    ['a/', 'characters'],
    ['-a', 'characters'],
    ['a-', 'characters'],
    ['a..b', 'characters'],
    ['a___b', 'characters'],
    ['_a', 'characters'],
    ['../../etc/passwd', 'host'],
    ['https://ghcr.io/a', 'host'],
    ['-bad.host/a', 'host'],
    ['[::1/a', 'host'],
    ['host:port/a', 'host'],
    [hex, 'id'],
    ['a@sha256:abc', 'digest'],
    [`a@sha256:${hex}0`, 'digest'],
    [`a@sha256:${hex.toUpperCase()}`, 'digest'],
    [`a@md5:${'0'.repeat(32)}`, 'digest'],
    [`a@sha256:${hex}@sha256:${hex}`, 'digest'],
    ['a'.repeat(248), 'longer'],
  ])('is not %j (%s)', (text, why) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID', message: expect.stringContaining(why) }),
    )
  })
})
