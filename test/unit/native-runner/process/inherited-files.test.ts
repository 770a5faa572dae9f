// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { inherited, type OpenFile } from '../../../../native-runner/process/inherited-files'

const nobody = new Set<string>()
const file = (descriptor: number, target: string, closesOnExec = false): OpenFile => ({
  descriptor,
  target,
  closesOnExec,
})

describe('inherited files', () => {
  it('are those that exec let through', () => {
    const files = [
      file(20, 'socket:[1]'),
      file(21, 'socket:[2]', true),
      file(22, '/data/electron/Local Storage/leveldb/LOCK'),
      file(23, 'pipe:[3]'),
      file(24, 'anon_inode:inotify'),
      file(25, '/tmp/.org.chromium.Chromium.abc (deleted)'),
    ]
    expect(inherited(files, '/opt/app', nobody)).toEqual([20, 22, 23, 24, 25])
  })

  it('are sockets and pipes of the parent, though Node has marked them since', () => {
    const files = [
      file(3, 'socket:[1]', true),
      file(4, 'socket:[2]', true),
      file(5, 'pipe:[3]', true),
    ]
    expect(inherited(files, '/opt/app', new Set(['socket:[1]', 'pipe:[3]']))).toEqual([3, 5])
  })

  it('are never the standard streams', () => {
    const streams = [0, 1, 2].map((descriptor) => file(descriptor, '/dev/null'))
    expect(inherited(streams, '/opt/app', nobody)).toEqual([])
  })

  it('are not what Electron opens for itself when it runs as Node', () => {
    const own = [
      file(11, '/opt/app/v8_context_snapshot.bin'),
      file(16, 'anon_inode:[eventpoll]'),
      file(17, 'anon_inode:[eventfd]'),
    ]
    expect(inherited(own, '/opt/app', nobody)).toEqual([])
    expect(inherited([file(12, '/opt/app-data/secret')], '/opt/app', nobody)).toEqual([12])
  })
})
