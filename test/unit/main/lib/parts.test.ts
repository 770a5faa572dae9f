// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { libkrunFile, locateParts } from '../../../../src/main/lib/parts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'parts-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function program(path: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, '#!/bin/sh\n')
  await chmod(path, 0o755)
  return path
}

describe('finding the native parts', () => {
  it('prefers a setting to the runtime folder, and that to the system', async () => {
    const system = await program(join(dir, 'path', 'gvproxy'))
    const env = { PATH: join(dir, 'path') }
    const find = async (more = {}) =>
      (await locateParts({ runtimeDir: join(dir, 'runtime'), env: { ...env, ...more } })).gvproxy
    expect(await find()).toEqual({ found: true, path: system, from: 'system' })
    const bundled = await program(join(dir, 'runtime', 'bin', 'gvproxy'))
    expect(await find()).toEqual({ found: true, path: bundled, from: 'runtime' })
    const own = await program(join(dir, 'own'))
    expect(await find({ MICROVM_GVPROXY: own })).toEqual({
      found: true,
      path: own,
      from: 'setting',
    })
  })

  it('tells of a setting that points nowhere instead of using something else', async () => {
    await program(join(dir, 'runtime', 'bin', 'gvproxy'))
    const env = { MICROVM_GVPROXY: join(dir, 'gone') }
    const { gvproxy } = await locateParts({ runtimeDir: join(dir, 'runtime'), env })
    expect(gvproxy).toMatchObject({ found: false, hint: expect.stringContaining('gone') })
  })

  it('says how to get each part that is missing', async () => {
    const dirs = { libraries: [], helpers: [] }
    const parts = await locateParts({ runtimeDir: dir, env: { PATH: '' }, dirs })
    for (const part of Object.values(parts)) {
      expect(part).toMatchObject({ found: false, hint: expect.stringMatching(/install|setup/) })
    }
  })

  it('looks for libkrun in the folders of libraries, for virtiofsd beside QEMU’s helpers', async () => {
    const dirs = { libraries: [join(dir, 'empty'), join(dir, 'lib')], helpers: [join(dir, 'help')] }
    await program(join(dir, 'help', 'virtiofsd'))
    await mkdir(join(dir, 'empty'))
    await program(join(dir, 'lib', libkrunFile))
    const find = (env: NodeJS.ProcessEnv) => locateParts({ runtimeDir: dir, env, dirs })
    expect(await find({ PATH: '' })).toMatchObject({
      // The runtime's own folder is asked first, and is this one here.
      libkrun: { found: true, path: join(dir, 'lib'), from: 'runtime' },
      virtiofsd: { found: true, path: join(dir, 'help', 'virtiofsd'), from: 'system' },
    })
    const { libkrun } = await find({ PATH: '', MICROVM_LIBKRUN_DIR: join(dir, 'empty') })
    expect(libkrun).toMatchObject({ found: false, hint: expect.stringContaining('empty') })
  })

  it('takes no folder and no unexecutable file for a program', async () => {
    await mkdir(join(dir, 'bin', 'gvproxy'), { recursive: true })
    await mkdir(join(dir, 'path'))
    await writeFile(join(dir, 'path', 'gvproxy'), 'text', { mode: 0o644 })
    const env = { PATH: join(dir, 'path') }
    expect((await locateParts({ runtimeDir: dir, env })).gvproxy.found).toBe(false)
  })
})
