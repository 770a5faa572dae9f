// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { guestBinary, guestEnvFile, guestFile } from '../../../../src/main/run/guest-files'

describe('files for a guest', () => {
  it('have the owner and mode their kind calls for', () => {
    expect(guestFile('/etc/motd', 'hello')).toMatchObject({ mode: 0o644, uid: 0, gid: 0 })
    expect(guestFile('/a', '', { mode: 0o4711, uid: 1, gid: 2 })).toMatchObject({
      mode: 0o4711,
      uid: 1,
      gid: 2,
    })
    expect(guestBinary('/usr/bin/tool', Buffer.of(1)).mode).toBe(0o755)
    expect(guestEnvFile('/etc/env', {}).mode).toBe(0o600)
  })

  it.each([
    'etc/motd',
    '/',
    '/a/',
    '//a',
    '/a/../b',
    '/./a',
    '/a\0b',
    '/proc/x',
    '/.microvm/init',
    '/dev',
  ])('are refused at %j', (path) => expect(() => guestFile(path, '')).toThrow('cannot be put'))

  it('carry variables that a shell reads back exactly, in order', () => {
    const env = { B: "it's", A: 'line\nline $HOME `x` "q" \\' }
    const text = Buffer.from(guestEnvFile('/etc/env', env).content).toString()
    expect(text.startsWith('A=')).toBe(true)
    const script = `${text}printf '%s\\0%s' "$A" "$B"`
    expect(execFileSync('/bin/sh', ['-c', script]).toString()).toBe(`${env.A}\0${env.B}`)
    expect(() => guestEnvFile('/etc/env', { 'A B': '' })).toThrow('not a variable')
  })
})
