// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  parseCount,
  parseEnv,
  parseMib,
  parsePort,
  UsageError,
} from '../../../../src/main/cli/arguments'

describe('sizes', () => {
  it.each([
    ['512', 512],
    ['512M', 512],
    ['512mb', 512],
    ['2048MiB', 2048],
    ['1G', 1024],
    ['1.5g', 1536],
    ['2T', 2_097_152],
  ])('%s is %d MiB', (text, mib) => expect(parseMib(text, '--disk')).toBe(mib))

  it.each(['', 'much', '-1', '1K', '0.3', '1e3', '1 G B'])(
    '%j is refused with the right form',
    (text) => {
      expect(() => parseMib(text, '--disk')).toThrow(UsageError)
    },
  )
})

describe('ports', () => {
  it('read host and guest, or the guest’s alone', () => {
    expect(parsePort('8080:80')).toEqual({ host: 8080, guest: 80 })
    expect(parsePort('80')).toEqual({ host: 0, guest: 80 })
    expect(parsePort('0:80')).toEqual({ host: 0, guest: 80 })
  })

  it.each(['', ':', '80:', '8080:0', '70000:80', '80:70000', 'a:b', '1:2:3', '-1:80'])(
    'refuse %j',
    (text) => expect(() => parsePort(text)).toThrow(UsageError),
  )
})

describe('variables', () => {
  it('keep everything after the first equals sign, and take a bare name from here', () => {
    expect(parseEnv(['A=1', 'B=x=y', 'C=', 'HOME'], { HOME: '/root' })).toEqual({
      A: '1',
      B: 'x=y',
      C: '',
      HOME: '/root',
    })
  })

  it('refuse a bad name, and a bare name that is not set', () => {
    expect(() => parseEnv(['1A=2'], {})).toThrow(UsageError)
    expect(() => parseEnv(['=2'], {})).toThrow(UsageError)
    expect(() => parseEnv(['NOPE'], {})).toThrow('NOPE is not set here')
  })
})

describe('counts', () => {
  it('are whole and positive', () => {
    expect(parseCount('4')).toBe(4)
    for (const text of ['0', '-1', '1.5', 'two', '']) expect(() => parseCount(text)).toThrow()
  })
})
