// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import {
  spawnInUserNamespace,
  userNamespaceProblem,
} from '../../../../src/main/hypervisor/user-namespace'

const problem = await userNamespaceProblem()

describe('a user namespace', () => {
  it('that cannot be had is explained', async () => {
    expect(await userNamespaceProblem('/no/such/unshare')).toBe('the program unshare is missing')
    expect(await userNamespaceProblem('/bin/false')).toContain('Command failed')
  })

  it.skipIf(problem !== undefined)(
    'is a process’s own: it keeps its pid, and is root to itself',
    async () => {
      const script = `console.log(process.pid, process.getuid(), require('fs').readlinkSync('/proc/self/ns/user'))`
      const child = spawnInUserNamespace(process.execPath, ['-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [output] = await Promise.all([text(child.stdout!), once(child, 'close')])
      const [pid, uid, namespace] = output.trim().split(' ')
      expect([Number(pid), uid]).toEqual([child.pid, '0'])
      expect(namespace).toMatch(/^user:/)
      expect(namespace).not.toBe(readlinkSync('/proc/self/ns/user'))
    },
  )
})
