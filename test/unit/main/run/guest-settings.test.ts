// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ImageConfig } from '../../../../src/contract/images'
import { guestSettings } from '../../../../src/main/run/guest-settings'
import { stopSignal } from '../../../../src/main/run/stop-signal'

const image: ImageConfig = {
  entrypoint: ['/entry'],
  cmd: ['serve', '--now'],
  env: ['PATH=/opt/bin', 'LANG=C', 'broken'],
  workdir: '/srv',
  user: 'web',
  exposedPorts: [],
  stopSignal: 'SIGQUIT',
}
const bare: ImageConfig = { ...image, env: [], workdir: '', user: '', stopSignal: '' }

describe('what a guest is to run', () => {
  it('is the image’s entrypoint and command, unless the user says otherwise', () => {
    expect(guestSettings({ env: {} }, image)).toEqual({
      argv: ['/entry', 'serve', '--now'],
      env: ['PATH=/opt/bin', 'LANG=C'],
      workdir: '/srv',
      user: 'web',
      stopSignal: 3,
    })
    const own = guestSettings({ command: ['true'], user: '0', workdir: '/tmp', env: {} }, image)
    expect(own).toMatchObject({ argv: ['true'], user: '0', workdir: '/tmp' })
    expect(guestSettings({ command: [], env: {} }, image).argv).toEqual([])
  })

  it('has the image’s variables with the user’s over them, and always a PATH', () => {
    const { env } = guestSettings({ env: { LANG: 'de', EXTRA: 'a=b' } }, image)
    expect(env).toEqual(['PATH=/opt/bin', 'LANG=de', 'EXTRA=a=b'])
    expect(guestSettings({ env: {} }, bare).env[0]).toMatch(/^PATH=.*:\/bin$/)
    expect(guestSettings({ env: {} }, bare)).toMatchObject({ workdir: '/', user: '' })
  })
})

describe('the stop signal', () => {
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
    ['SIGWINCH', 28],
    ['', 15],
    ['SIGNONSENSE', 15],
    ['0', 15],
    ['99', 15],
    ['SIGRTMIN-40', 15],
  ])('%j is %d', (text, signal) => expect(stopSignal(text, ['daemon'])).toBe(signal))

  it('is HUP for a shell that waits for somebody to type', () => {
    expect(stopSignal('', ['bash'])).toBe(1)
    expect(stopSignal('', ['/bin/sh', '-l'])).toBe(1)
    expect(stopSignal('', ['/bin/sh', '-c', 'sleep 1'])).toBe(15)
    expect(stopSignal('', ['bash', 'script.sh'])).toBe(15)
    expect(stopSignal('SIGINT', ['bash'])).toBe(2)
  })
})
