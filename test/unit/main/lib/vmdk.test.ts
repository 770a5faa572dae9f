// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { readVmdkDescriptor, vmdkDescriptor } from '../../../../src/main/lib/vmdk'

describe('a VMDK descriptor', () => {
  it('lists its extents in order, in sectors, and leaves empty ones out', () => {
    const text = vmdkDescriptor(
      [
        { file: 'meta.erofs', size: 8192 },
        { file: '../../layers/none.data', size: 0 },
        { file: '../../layers/a b.data', size: 5 * 1024 ** 4 },
      ],
      7,
    )
    expect(text.startsWith('# Disk DescriptorFile\n')).toBe(true)
    expect(text).toContain('createType="twoGbMaxExtentFlat"\n')
    expect(text.match(/^RW .*$/gm)).toEqual([
      'RW 16 FLAT "meta.erofs" 0',
      'RW 10737418240 FLAT "../../layers/a b.data" 0',
    ])
  })

  it('is read back as it was written, and only whole and of the same version', () => {
    const extents = [
      { file: 'meta.erofs', size: 8192 },
      { file: '../../layers/a b.data', size: 4096 },
    ]
    const text = vmdkDescriptor(extents, 3)
    expect(readVmdkDescriptor(text, 3)).toEqual(extents)
    expect(readVmdkDescriptor(text, 4)).toBeUndefined()
    expect(readVmdkDescriptor(text.slice(0, -10), 3)).toBeUndefined()
  })

  it('has only keys that libkrun knows', () => {
    const keys = vmdkDescriptor([], 1).match(/^[^#\s]+?(?=\s*=)/gm)
    const known = ['version', 'CID', 'parentCID', 'createType']
    expect(keys?.filter((key) => !key.startsWith('ddb.'))).toEqual(known)
  })

  it('differs between format versions', () => {
    expect(vmdkDescriptor([], 1)).not.toBe(vmdkDescriptor([], 2))
  })

  it.each(['a"b', 'a\nRW 1 FLAT "/etc/shadow" 0', 'a\0', 'nbd:host', 'x'.repeat(512)])(
    'refuses a file name that would mean something else: %j',
    (file) => {
      expect(() => vmdkDescriptor([{ file, size: 512 }], 1)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    },
  )

  it('takes a colon behind a slash', () => {
    const text = vmdkDescriptor([{ file: '../sha256:abc', size: 512 }], 1)
    expect(text).toContain('RW 1 FLAT "../sha256:abc" 0')
  })

  it('refuses more extents than QEMU reads', () => {
    const extents = Array.from({ length: 20_000 }, () => ({ file: 'x'.repeat(60), size: 512 }))
    expect(() => vmdkDescriptor(extents, 1)).toThrow(
      expect.objectContaining({ code: 'IMAGE_TOO_LARGE' }),
    )
  })
})
