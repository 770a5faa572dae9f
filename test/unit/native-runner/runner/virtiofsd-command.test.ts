// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  shareArguments,
  type ShareOptions,
} from '../../../../native-runner/runner/virtiofsd-command'

const options: ShareOptions = {
  executable: '/usr/libexec/virtiofsd',
  virtiofsd: { kind: 'rust', translatesOwners: true },
  shares: [
    { tag: 'share-0', hostPath: '/home/me/my "work"', readOnly: false },
    { tag: 'share-1', hostPath: '/srv/$(reboot)', readOnly: true },
  ],
  socketDir: '/run/user/1000/a b',
  root: true,
  anyUser: true,
}
const old = { kind: 'c', translatesOwners: false } as const

/** What virtiofsd itself is given. */
const own = (change: Partial<ShareOptions>): string[] => {
  const args = shareArguments({ ...options, ...change })
  return args.slice(args.lastIndexOf('--') + 2)
}
const translations = (change: Partial<ShareOptions>): string[] =>
  own(change).filter((arg) => arg.startsWith('--translate'))

describe('the command line of virtiofsd', () => {
  it('hands every path over as a word of its own, never as part of the script', () => {
    const args = shareArguments(options)
    const script = args.indexOf('-c') + 1
    expect(args.slice(script + 1, args.lastIndexOf('--') + 2)).toEqual([
      ...['shares', '/run/user/1000/a b'],
      ...['share-0', 'rw', '/home/me/my "work"'],
      ...['share-1', 'ro', '/srv/$(reboot)'],
      ...['--', '/usr/libexec/virtiofsd'],
    ])
    expect(args[script]).not.toMatch(/my "work"|reboot|a b/)
  })

  it('runs in a mount namespace, and in a user namespace unless it is root’s', () => {
    expect(shareArguments(options).slice(0, 3)).toEqual(['--mount', '--propagation', 'slave'])
    expect(shareArguments({ ...options, root: false, anyUser: false }).slice(0, 3)).toEqual([
      '--user',
      '--map-root-user',
      '--mount',
    ])
  })

  it('shows the folder that holds the shares and nothing else, in its own sandbox', () => {
    expect(own({})).toEqual([
      '--socket-path=/sys/socket/virtiofsd.sock',
      '--rlimit-nofile=0',
      '--shared-dir=/sys/shares',
      '--sandbox=namespace',
      '--cache=auto',
      '--announce-submounts',
      '--log-level=warn',
    ])
    expect(own({ virtiofsd: old })).toEqual([
      '--socket-path=/sys/socket/virtiofsd.sock',
      '--rlimit-nofile=0',
      '-f',
      '-o',
      'source=/sys/shares,sandbox=namespace,cache=auto,announce_submounts,log_level=warn',
    ])
  })

  it('makes what any user of the guest writes the host user’s own, where it can be nobody else', () => {
    expect(translations({})).toEqual([])
    expect(translations({ anyUser: false })).toEqual([
      '--translate-uid=squash-guest:0:0:4294967295',
      '--translate-gid=squash-guest:0:0:4294967295',
    ])
    expect(translations({ anyUser: false, virtiofsd: old })).toEqual([])
  })

  it('shows files as the owner’s that is asked for', () => {
    const owner = { uid: 1000, gid: 100 }
    const shares = options.shares.map((share) => ({ ...share, owner }))
    expect(translations({ shares })).toEqual([
      '--translate-uid=squash-guest:0:0:4294967295',
      '--translate-uid=squash-host:0:1000:4294967295',
      '--translate-gid=squash-guest:0:0:4294967295',
      '--translate-gid=squash-host:0:100:4294967295',
    ])
  })
})
