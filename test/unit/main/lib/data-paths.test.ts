// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dataPaths, defaultDataDir, socketDirFor } from '../../../../src/main/lib/data-paths'

describe('the data directory', () => {
  it('is MICROVM_DATA_DIR when that is set', () => {
    expect(defaultDataDir({ MICROVM_DATA_DIR: '/d' }, 'linux', '/home/a')).toBe('/d')
    expect(defaultDataDir({ MICROVM_DATA_DIR: '/d' }, 'darwin', '/home/a')).toBe('/d')
  })

  it('else is where the platform keeps the data of applications', () => {
    expect(defaultDataDir({}, 'linux', '/home/a')).toBe('/home/a/.local/share/microvm-desktop')
    expect(defaultDataDir({ XDG_DATA_HOME: '/x' }, 'linux', '/home/a')).toBe('/x/microvm-desktop')
    expect(defaultDataDir({ XDG_DATA_HOME: 'x' }, 'linux', '/home/a')).toBe(
      '/home/a/.local/share/microvm-desktop',
    )
    expect(defaultDataDir({}, 'darwin', '/Users/a')).toBe(
      '/Users/a/Library/Application Support/MicroVM Desktop',
    )
  })

  it('keeps the lock of a machine outside the folder that is deleted with it', () => {
    const vm = dataPaths('/d').vm('0123456789ab')
    expect(vm.dir).toBe('/d/vms/0123456789ab')
    expect(vm.lock.startsWith(`${vm.dir}/`)).toBe(false)
  })
})

describe('the folder of the sockets', () => {
  const id = '0123456789ab'
  it('is the machine’s own where the paths are short enough for a socket address', () => {
    expect(socketDirFor(`/home/a/vms/${id}`, id, {})).toBe(`/home/a/vms/${id}`)
  })

  it('is a short one elsewhere when the data directory lies deep', () => {
    const deep = join('/', 'deep'.repeat(30), id)
    expect(socketDirFor(deep, id, { XDG_RUNTIME_DIR: '/run/user/7' })).toMatch(/^\/run\/user\/7\//)
    const chosen = socketDirFor(deep, id, {})
    expect(Buffer.byteLength(join(chosen, 'gvproxy-api.sock'))).toBeLessThan(104)
  })

  it('differs for two data directories that hold a machine of the same id', () => {
    const [one, two] = ['a', 'b'].map((letter) =>
      socketDirFor(join('/', letter.repeat(120), id), id, {}),
    )
    expect(one).not.toBe(two)
  })
})
