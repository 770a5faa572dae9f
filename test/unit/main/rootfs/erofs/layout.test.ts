// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { MicrovmError } from '../../../../../src/contract/errors'
import type { FsNode, FsTree } from '../../../../../src/main/image/tree/fs-tree'
import { layOutErofs } from '../../../../../src/main/rootfs/erofs/layout'
import { newNode } from '../../../../support/random-tree'

const treeOf = (children: Record<string, FsNode>, dataSize = 0): FsTree => ({
  root: newNode('directory', { children: new Map(Object.entries(children)) }),
  layers: [{ diffId: 'sha256:0', dataPath: '', dataSize }],
})

function refusal(tree: FsTree): Pick<MicrovmError, 'code' | 'message'> {
  try {
    layOutErofs(tree)
  } catch (error) {
    const { code, message } = error as MicrovmError
    return { code, message }
  }
  throw new Error('it was not refused')
}

describe('laying out an image', () => {
  it('puts the root where 16 bits can name it, however many files there are', () => {
    const files = Array.from({ length: 100_000 }, (_, i) => [`f${i}`, newNode('file')])
    const layout = layOutErofs(treeOf(Object.fromEntries(files)))
    expect(layout.inodes[0]!.nid).toBeLessThan(0x10000)
    expect(layout.inodes.at(-1)!.nid).toBeGreaterThan(0x10000)
  })

  it('points files at their layer, behind all metadata', () => {
    const tree = treeOf({
      a: newNode('file', { size: 5000, offset: 0 }),
      b: newNode('file', { size: 1, offset: 8192 }),
      c: newNode('file', { size: 1, offset: 0, layer: 1 }),
    })
    const layers = [
      { diffId: '', dataPath: '', dataSize: 12_288 },
      { diffId: '', dataPath: '', dataSize: 4096 },
    ]
    const layout = layOutErofs({ ...tree, layers })
    const first = layout.metadataBlocks
    expect(layout.inodes.map(({ block }) => block)).toEqual([0, first, first + 2, first + 3])
    expect(layout.blocks).toBe(first + 4)
  })

  it('counts a hard link in every directory that has it, and stores it once', () => {
    const shared = newNode('file')
    const inner = newNode('directory', { children: new Map([['b', shared]]) })
    const layout = layOutErofs(treeOf({ a: shared, inner }))
    expect(layout.inodes).toHaveLength(3)
    expect(layout.inodes.find(({ node }) => node === shared)!.links).toBe(2)
    expect(layout.inodes[0]!.links).toBe(3)
    expect(layout.inodes.find(({ node }) => node === inner)!.links).toBe(2)
  })

  it('names the extended attributes it has to leave out', () => {
    const xattrs = new Map([
      ['com.apple.quarantine', Buffer.from('x')],
      ['user.', Buffer.from('x')],
      ['user.kept', Buffer.from('x')],
    ])
    const layout = layOutErofs(treeOf({ a: newNode('file', { xattrs }) }))
    expect([...layout.droppedXattrs].sort()).toEqual(['com.apple.quarantine', 'user.'])
  })

  it.each<[string, Partial<FsNode>, FsNode['type']]>([
    ['mode 4096', { mode: 0o10000 }, 'file'],
    ['owner 4294967296:0', { uid: 2 ** 32 }, 'file'],
    ['owner 0:-1', { gid: -1 }, 'directory'],
    ['modification time 1.5.0', { mtime: 1.5 }, 'file'],
    ['modification time 0.1000000000', { mtimeNs: 1e9 }, 'file'],
    ['device number 4096:0', { major: 4096 }, 'char'],
    ['device number 0:1048576', { minor: 1 << 20 }, 'block'],
    ['symlink target', { target: '' }, 'symlink'],
    ['symlink target', { target: 'x'.repeat(4096) }, 'symlink'],
    ['symlink target', { target: 'a\0b' }, 'symlink'],
    ['its data is outside its layer', { size: 4097, offset: 4096 }, 'file'],
    ['its data is outside its layer', { size: 1, offset: 100 }, 'file'],
    ['its data is outside its layer', { size: 1, layer: 9 }, 'file'],
    ['size -1', { size: -1 }, 'file'],
    ['65536 bytes in user.a', { xattrs: new Map([['user.a', Buffer.alloc(65_536)]]) }, 'file'],
  ])('refuses, by path: %s', (problem, fields, type) => {
    const inner = newNode('directory', { children: new Map([['bad', newNode(type, fields)]]) })
    expect(refusal(treeOf({ inner }, 8192))).toEqual({
      code: 'IMAGE_INVALID',
      message: `cannot store /inner/bad: ${problem}`,
    })
  })

  it('refuses a name that no file system takes', () => {
    expect(refusal(treeOf({ ['x'.repeat(256)]: newNode('file') })).code).toBe('IMAGE_INVALID')
    expect(refusal(treeOf({ '..': newNode('file') })).message).toContain('is reserved')
    expect(refusal(treeOf({ '\ud83d': newNode('file') })).message).toContain('is not Unicode')
  })

  it('refuses a directory that is in two places, or in itself', () => {
    const twice = newNode('directory')
    expect(refusal(treeOf({ a: twice, b: twice })).message).toContain('two parents')
    const loop = newNode('directory')
    loop.children.set('self', loop)
    expect(refusal(treeOf({ loop })).message).toContain('two parents')
  })

  it('refuses more than 16 TiB', () => {
    const dataSize = 16 * 1024 ** 4
    expect(refusal(treeOf({}, dataSize)).code).toBe('IMAGE_TOO_LARGE')
    expect(layOutErofs(treeOf({}, dataSize - 3 * 4096)).blocks).toBe(2 ** 32 - 1)
  })
})
