// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { quoteWord, runCommand } from '../../../../../src/renderer/features/vms/cli-command'
import { splitWords } from '../../../../../src/renderer/features/vms/new-machine/words'

const plain = { name: 'web', image: 'debian:bookworm' }

describe('the equal command line', () => {
  it('leaves out what is as usual', () => {
    const spec = { ...plain, cpus: 1, memoryMib: 512, diskMib: 10_240, ports: [], env: {} }
    expect(runCommand('microvm', spec)).toBe('microvm run --name web debian:bookworm')
  })

  it('names everything else', () => {
    const spec = {
      ...plain,
      cpus: 2,
      memoryMib: 1024,
      diskMib: 20_480,
      ports: [
        { host: 8080, guest: 80 },
        { host: 0, guest: 443 },
      ],
      mounts: [
        { hostPath: '/home/me/my work', guestPath: '/work' },
        { hostPath: '/srv', guestPath: '/srv', readOnly: true },
      ],
      disks: [
        { source: '/srv/my disk.img' },
        { source: 'https://example.org/x', sha256: 'ab', guestPath: '/x', readOnly: false },
      ],
      env: { GREETING: "it's me" },
      user: 'app',
      workdir: '/srv/my app',
      backend: 'qemu' as const,
      autoRemove: true,
    }
    expect(runCommand('npm run -s microvm --', spec)).toBe(
      'npm run -s microvm -- run --name web --cpus 2 --memory 1024 --disk 20480' +
        ` --port 8080:80 --port 0:443 --mount '/home/me/my work:/work' --mount /srv:/srv:ro` +
        ` --add-disk '/srv/my disk.img' --add-disk 'https://example.org/x#sha256=ab:/x:rw'` +
        ` --env 'GREETING=it'\\''s me' --user app` +
        ` --workdir '/srv/my app' --backend qemu --rm debian:bookworm`,
    )
  })

  it('detaches a machine with a command of its own', () => {
    const spec = { ...plain, command: ['sh', '-c', 'sleep 1; true'] }
    expect(runCommand('microvm', spec)).toBe(
      `microvm run --detach --name web debian:bookworm -- sh -c 'sleep 1; true'`,
    )
  })

  it('does not pretend to know one for what it cannot say', () => {
    expect(runCommand('microvm', { ...plain, command: [] })).toBeUndefined()
    const owned = { hostPath: '/a', guestPath: '/a', owner: { uid: 1, gid: 1 } }
    expect(runCommand('microvm', { ...plain, mounts: [owned] })).toBeUndefined()
    const colon = { hostPath: '/a', guestPath: '/a:b' }
    expect(runCommand('microvm', { ...plain, mounts: [colon] })).toBeUndefined()
    for (const source of ['/a:b', 'https://example.org/a:/b', 'https://example.org/a:rw'])
      expect(runCommand('microvm', { ...plain, disks: [{ source }] })).toBeUndefined()
    expect(runCommand('microvm', { ...plain, disks: [{ source: 'https://h:1/a' }] })).toBeDefined()
  })
})

it('quotes words so that a shell reads them as they were', () => {
  const words = ['', 'a b', `it's`, '"', '$HOME', '\\', '*', 'a\nb', '--flag=x', 'ü']
  expect(splitWords(words.map(quoteWord).join(' '))).toEqual(words)
})
