// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { hostMode, overrideStat } from '../../../../../src/main/rootfs/directory/override-stat'
import { newNode } from '../../../../support/random-tree'

describe('the attribute that tells a guest whose a file is', () => {
  it.each([
    ['file', 0o4755, '1000:50:04755'],
    ['file', 0, '1000:50:00'],
    ['directory', 0o1777, '1000:50:01777'],
    ['symlink', 0o777, '1000:50:0777'],
    ['fifo', 0o644, '1000:50:010644'],
    ['char', 0o666, '1000:50:020666'],
    ['block', 0o660, '1000:50:060660'],
    ['socket', 0o700, '1000:50:0140700'],
  ] as const)('of a %s with mode %o is %s', (type, mode, expected) => {
    expect(overrideStat(newNode(type, { mode, uid: 1000, gid: 50 }))).toBe(expected)
  })
})

describe('the mode on the host', () => {
  const on = (platform: NodeJS.Platform, exact: boolean) => (fields: object) =>
    hostMode(newNode('file', fields), { platform, exact })

  it('is the guest’s where that counts and may be set', () => {
    expect(on('linux', true)({ mode: 0o4000, uid: 33 })).toBe(0o4000)
  })

  it('always lets our own user in', () => {
    expect(on('linux', false)({ mode: 0o004 })).toBe(0o604)
    const folder = newNode('directory', { mode: 0o055 })
    expect(hostMode(folder, { platform: 'linux', exact: false })).toBe(0o755)
  })

  it('makes nobody of the guest into somebody else', () => {
    const linux = on('linux', false)
    expect(linux({ mode: 0o6755, uid: 0, gid: 0 })).toBe(0o6755)
    expect(linux({ mode: 0o6755, uid: 33, gid: 50 })).toBe(0o755)
    expect(on('darwin', false)({ mode: 0o6755 })).toBe(0o755)
  })
})
