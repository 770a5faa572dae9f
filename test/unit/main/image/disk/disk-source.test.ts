// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseDiskSource, shownSource } from '../../../../../src/main/image/disk/disk-source'

describe('the source of a disk image', () => {
  it.each([
    ['https://images.example/a.raw', 'https://images.example/a.raw'],
    ['HTTPS://Images.Example:443/x/../a.raw#part', 'https://images.example/a.raw'],
    ['http://127.0.0.1:8000/a.raw', 'http://127.0.0.1:8000/a.raw'],
    ['http://localhost/a.raw?v=1', 'http://localhost/a.raw?v=1'],
  ])('%s is the URL %s', (text, name) => {
    expect(parseDiskSource(text)).toEqual({ kind: 'url', name })
  })

  it('is a file if it is an absolute path', () => {
    expect(parseDiskSource('/data/../data/disk.img')).toEqual({
      kind: 'file',
      name: '/data/disk.img',
    })
  })

  it.each([
    'disk.img',
    '',
    'http://images.example/a.raw',
    'ftp://images.example/a.raw',
    'file:///etc/shadow',
    'javascript:alert(1)',
    'https://user:secret@images.example/a.raw',
    `https://images.example/${'a'.repeat(5000)}`,
    '/data/a\0b',
  ])('is not %s', (text) => {
    const refusal = expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      hint: expect.any(String) as string,
      message: expect.not.stringContaining('secret') as string,
    }) as Error
    expect(() => parseDiskSource(text)).toThrow(refusal)
  })

  it('is unencrypted only on request', () => {
    expect(parseDiskSource('http://images.example/a.raw', true).kind).toBe('url')
  })

  it('is shown without its query, which may be a secret', () => {
    const source = parseDiskSource('https://images.example/a.raw?token=secret')
    expect(shownSource(source)).toBe('images.example/a.raw')
  })
})
