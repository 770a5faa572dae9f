// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  parseCount,
  parseDisk,
  parseEnv,
  parseMib,
  parseMount,
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

describe('shared folders', () => {
  it.each([
    ['/srv:/srv', '/srv', '/srv', false],
    ['/srv:/mnt/data:ro', '/srv', '/mnt/data', true],
    ['/srv:/mnt/data:rw', '/srv', '/mnt/data', false],
    ['/a:b/c d:/work', '/a:b/c d', '/work', false],
    ['/a/../b/:/work', '/b', '/work', false],
    ['.:/work', resolve('.'), '/work', false],
    ['../x:/work', resolve('../x'), '/work', false],
    ['~:/home/me', homedir(), '/home/me', false],
    ['~/src:/src:ro', join(homedir(), 'src'), '/src', true],
    ['~user:/src', resolve('~user'), '/src', false],
  ])('%s', (text, hostPath, guestPath, readOnly) => {
    expect(parseMount(text)).toEqual({ hostPath, guestPath, readOnly })
  })

  it.each(['', '/srv', '/srv:', ':/work', '/srv:work', '/srv:/a:xx', '/srv:/a/../b', '/srv:/proc'])(
    'refuse %j',
    (text) => expect(() => parseMount(text)).toThrow(UsageError),
  )

  it('say what is wrong with the place in the machine', () => {
    expect(() => parseMount('/srv:/proc')).toThrow('the system’s own')
  })
})

describe('extra disks', () => {
  const HEX = 'ab'.repeat(32)
  it.each([
    ['/a.img', '/a.img', undefined, true],
    ['a.img:rw', resolve('a.img'), undefined, false],
    ['~/a b.img:/data', join(homedir(), 'a b.img'), '/data', true],
    ['/a:b.img:/data:ro', '/a:b.img', '/data', true],
    ['/a.img:/data:rw', '/a.img', '/data', false],
    ['https://example.org/a.img', 'https://example.org/a.img', undefined, true],
    ['https://example.org:8443/a.img:rw', 'https://example.org:8443/a.img', undefined, false],
    ['http://[::1]:80/a.img:/data', 'http://[::1]:80/a.img', '/data', true],
    ['https://example.org/a?b=c:/d:rw', 'https://example.org/a?b=c', '/d', false],
  ])('%s', (text, source, guestPath, readOnly) => {
    expect(parseDisk(text)).toEqual({ source, sha256: undefined, guestPath, readOnly })
  })

  it('may have a checksum', () => {
    expect(parseDisk(`https://example.org/a#sha256=${HEX}:/d:rw`)).toEqual({
      source: 'https://example.org/a',
      sha256: HEX,
      guestPath: '/d',
      readOnly: false,
    })
  })

  it.each([
    ...['', ':/data', ':rw', '/a.img:/proc', '/a.img:/d/../e', 'http://example.org/a.img'],
    ...['https://example.org/a#sha256=1', 'https://me:pw@example.org/a'],
  ])('refuse %j', (text) => expect(() => parseDisk(text)).toThrow(UsageError))
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
