// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { VmState } from '../../../../src/contract/vm-state'
import { silentLogger } from '../../../../src/main/lib/logger'
import { StateFile } from '../../../../native-runner/runner/state-file'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-state-'))
})
afterEach(() => rm(dir, { recursive: true }))

const initial: VmState = { version: 1, status: 'starting', ports: [], timeline: [] }
const stored = async (path: string): Promise<unknown> =>
  JSON.parse(await readFile(path, 'utf8')) as unknown

describe('the state file', () => {
  it('tells listeners at once and holds the last of many changes', async () => {
    const path = join(dir, 'state.json')
    const file = new StateFile(path, initial, silentLogger)
    const seen: string[] = []
    file.onChange(({ status }) => seen.push(status))
    for (const status of ['running', 'paused', 'running', 'stopping', 'stopped'] as const)
      file.update({ status })
    expect(seen).toEqual(['running', 'paused', 'running', 'stopping', 'stopped'])
    await file.flush()
    expect(await stored(path)).toMatchObject({ status: 'stopped' })
  })

  it('writes a change that comes while another is being written', async () => {
    const path = join(dir, 'state.json')
    const file = new StateFile(path, initial, silentLogger)
    for (let i = 0; i < 30; i += 1) {
      file.update({ exitCode: i })
      // Every point of time in and around a write.
      for (let turn = 0; turn < i; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    }
    await file.flush()
    expect(await stored(path)).toMatchObject({ exitCode: 29 })
  })

  it('removes a field that is set to undefined', async () => {
    const path = join(dir, 'state.json')
    const file = new StateFile(path, { ...initial, socket: '/s' }, silentLogger)
    file.update({ socket: undefined, status: 'stopped' })
    await file.flush()
    expect(await stored(path)).not.toHaveProperty('socket')
  })

  it('goes on when the file cannot be written, and writes it later', async () => {
    const folder = join(dir, 'not-there-yet')
    const path = join(folder, 'state.json')
    const file = new StateFile(path, initial, silentLogger)
    file.update({ status: 'running' })
    await file.flush()
    expect(file.state.status).toBe('running')
    await mkdir(folder)
    await file.flush()
    expect(await stored(path)).toMatchObject({ status: 'running' })
  })
})
