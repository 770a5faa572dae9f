// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import type { DiskImageView } from '../../../../src/contract/images'
import { runCli } from '../../../../src/main/cli/program'
import type { Engine } from '../../../../src/main/engine'
import type { DiskImageOptions } from '../../../../src/main/image/disk/disk-images'
import { fakeTerminal } from './fake-terminal'

const digest = `sha256:${'d'.repeat(64)}`
const source = 'https://images.example/debian.raw.xz'
const view: DiskImageView = {
  source,
  path: '/data/images/disk-images/d.raw',
  digest,
  sizeBytes: 2 * 1024 ** 3,
  sizeOnDisk: 900 * 1024 ** 2,
  sha256: 'a'.repeat(64),
  packedBytes: 300 * 1024 ** 2,
  compression: 'xz',
  fetchedAt: Date.now() - 60_000,
  lastUsedAt: 0,
}

let calls: unknown[][]
let listed: DiskImageView[]
let engine: Engine
beforeEach(() => {
  calls = []
  listed = [view]
  const disks = {
    ensure: async (name: string, { sha256, plainHttp, onProgress }: DiskImageOptions) => {
      calls.push(['ensure', name, sha256, plainHttp])
      onProgress?.({ stage: 'image', message: 'Downloading it' })
      return { source: name, path: view.path, digest, sizeBytes: view.sizeBytes }
    },
    list: async () => listed,
    verify: async (name: string) => {
      if (name !== source) throw new MicrovmError('NOT_FOUND', `there is no disk image ${name}`)
      return view
    },
    remove: async (name: string) => void calls.push(['remove', name]),
  }
  engine = { disks, close: async () => undefined } as unknown as Engine
})

async function microvm(...args: string[]) {
  const terminal = fakeTerminal({ interactive: false })
  const code = await runCli(['disk', ...args], terminal, async () => engine)
  return { code, out: terminal.out, err: terminal.err }
}

describe('microvm disk', () => {
  it('explains itself, and refuses what it does not know', async () => {
    expect((await microvm('--help')).out).toContain('import')
    expect((await microvm('dance')).code).toBe(2)
    expect((await microvm('pull')).code).toBe(2)
  })

  it('pull brings a disk image, with its checksum if there is one', async () => {
    const { code, out, err } = await microvm('pull', source, '--sha256', 'abc')
    expect(code).toBe(0)
    expect(out).toBe(`${source}\n`)
    expect(err).toBe(`Downloading it\n2.0 GiB ${digest}\n`)
    await microvm('pull', 'http://images.example/a', '--plain-http')
    expect(calls).toEqual([
      ['ensure', source, 'abc', undefined],
      ['ensure', 'http://images.example/a', undefined, true],
    ])
  })

  it('import takes a file by its absolute path', async () => {
    expect((await microvm('import', 'disk.img')).code).toBe(0)
    expect(calls).toEqual([['ensure', resolve('disk.img'), undefined, undefined]])
  })

  it('ls lists what there is, for people and for programs', async () => {
    expect((await microvm('ls')).out.split('\n')[1]).toMatch(
      /^https:\S+xz +dddddddddddd +2\.0 GiB +900 MiB +xz 300 MiB +\d+ s ago$/,
    )
    expect(JSON.parse((await microvm('ls', '--json')).out)).toEqual([view])
    listed = []
    expect((await microvm('ls')).err).toContain('microvm disk pull')
  })

  it('verify and rm take several', async () => {
    expect((await microvm('verify', source)).out).toBe(`${digest} ${source}\n`)
    expect((await microvm('verify', source, 'other')).code).toBe(125)
    expect((await microvm('rm', source, 'other')).out).toBe(`${source}\nother\n`)
    expect(calls).toEqual([
      ['remove', source],
      ['remove', 'other'],
    ])
  })
})
