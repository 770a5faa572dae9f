// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseImageConfig } from '../../../../src/main/image/image-config'

const id = (letter: string): string => `sha256:${letter.repeat(64)}`
const minimal = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } }
const parse = (value: unknown) => parseImageConfig(Buffer.from(JSON.stringify(value)))

describe("an image's config", () => {
  it('tells what to run and what the layers are', () => {
    const parsed = parse({
      ...minimal,
      variant: 'v3',
      created: '2024-01-02T03:04:05.678901234Z',
      config: {
        Entrypoint: ['/entry', 'point'],
        Cmd: ['arg'],
        Env: ['PATH=/bin', 'EMPTY=', 'no-equals-sign', '=x'],
        WorkingDir: '/work',
        User: '1000:1000',
        ExposedPorts: {
          '8080/tcp': {},
          '80': {},
          '53/udp': {},
          '9000-9010/tcp': {},
          'x/tcp': {},
          '99999/tcp': {},
        },
        StopSignal: 'SIGINT',
        Labels: { ignored: 'yes' },
      },
      rootfs: { type: 'layers', diff_ids: [id('a'), id('b')] },
      history: [
        { created_by: 'ADD' },
        { created_by: 'ENV', empty_layer: true },
        { created_by: 'RUN' },
      ],
    })
    expect(parsed).toEqual({
      config: {
        entrypoint: ['/entry', 'point'],
        cmd: ['arg'],
        env: ['PATH=/bin', 'EMPTY='],
        workdir: '/work',
        user: '1000:1000',
        exposedPorts: [80, 8080, 9000],
        stopSignal: 'SIGINT',
      },
      platform: { os: 'linux', architecture: 'amd64', variant: 'v3' },
      diffIds: [id('a'), id('b')],
      createdBy: ['ADD', 'RUN'],
      createdAt: Date.parse('2024-01-02T03:04:05.678Z'),
    })
  })

  it('may leave everything out that Go writes as null', () => {
    const empty = { Entrypoint: null, Cmd: null, Env: null, ExposedPorts: null, WorkingDir: '' }
    const parsed = parse({ ...minimal, config: empty, history: null, created: null })
    expect(parsed.config).toEqual({
      entrypoint: [],
      cmd: [],
      env: [],
      workdir: '/',
      user: '',
      exposedPorts: [],
      stopSignal: 'SIGTERM',
    })
    expect(parsed.createdAt).toBeUndefined()
    expect(parse({ ...minimal, config: null }).config.cmd).toEqual([])
  })

  it('whose history does not fit has layers of unknown making', () => {
    const rootfs = { diff_ids: [id('a'), id('b')] }
    expect(parse({ ...minimal, rootfs, history: [{ created_by: 'one' }] }).createdBy).toEqual([
      'one',
      '',
    ])
  })

  it.each<[string, unknown]>([
    ['no architecture', { ...minimal, architecture: undefined }],
    ['no layers named', { ...minimal, rootfs: undefined }],
    ['a diffID that is a path', { ...minimal, rootfs: { diff_ids: ['../../x'] } }],
    ['a NUL in the environment', { ...minimal, config: { Env: ['A=\0'] } }],
    ['a number as a command', { ...minimal, config: { Cmd: [1] } }],
    ['a string as a command', { ...minimal, config: { Cmd: '/bin/sh' } }],
    ['null', null],
  ])('is refused with %s', (_what, value) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }))
  })

  it('is refused beyond 8 MiB', () => {
    expect(() => parse({ ...minimal, author: 'x'.repeat(8 * 1024 * 1024) })).toThrow(
      expect.objectContaining({ code: 'IMAGE_TOO_LARGE' }),
    )
  })
})
