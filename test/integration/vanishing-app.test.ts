// SPDX-License-Identifier: Apache-2.0
// An app that is gone, as an AppImage's mount is when the app ends, while its machine runs on.
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inProject, runtimeDirOf } from '../../scripts/setup/paths.mjs'
import { makeCli, processesNaming, type Cli } from '../support/cli'

const platform = `${process.platform}-${process.arch}`
let home: string
let app: string
let fromApp: Cli
let fromProject: Cli

/** Node in the place of Electron; everything else as in a package. */
async function installApp(): Promise<readonly [string, ...string[]]> {
  const unpacked = join(app, 'resources/app.asar.unpacked')
  await mkdir(join(unpacked, 'runtime'), { recursive: true })
  await cp(process.execPath, join(app, 'microvm-desktop'))
  await cp(inProject('out/main'), join(unpacked, 'out/main'), { recursive: true })
  await cp(inProject('package.json'), join(unpacked, 'package.json'))
  await cp(runtimeDirOf(platform), join(unpacked, 'runtime', platform), { recursive: true })
  await symlink(inProject('node_modules'), join(unpacked, 'node_modules'))
  return ['env', `APPDIR=${app}`, join(app, 'microvm-desktop'), join(unpacked, 'out/main/cli.js')]
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'microvm-vanishing-'))
  app = join(home, 'mount of the app')
  const dataDir = join(home, 'data')
  fromApp = await makeCli({ dataDir, command: await installApp() })
  fromProject = await makeCli({ dataDir })
})
afterAll(async () => {
  await fromProject.dispose()
  await rm(home, { recursive: true, force: true })
})

const installed = async (): Promise<string> => {
  const names = await readdir(join(home, 'data/installed'))
  const folders = names.filter((name) => /^[0-9a-f]{64}$/.test(name))
  expect(folders).toHaveLength(1)
  return join(home, 'data/installed', folders[0]!)
}

describe('a machine started by an app that may vanish', () => {
  it('runs from a copy in the data directory', async () => {
    await fromApp.ok(['run', '--detach', '--name', 'kept', 'starter'])
    const copy = await installed()
    const runner = JSON.parse(await readFile(await runnerFile(), 'utf8'))
    expect([runner.gvproxy, runner.vmm.kernel].filter((path) => !path.startsWith(copy))).toEqual([])
    const ours = await processesNaming(home)
    const programs = await Promise.all(
      ours.map(async (line) => await readlink(`/proc/${line.split(' ')[0]}/exe`)),
    )
    expect(programs).toEqual(
      expect.arrayContaining([join(copy, 'microvm-desktop'), runner.gvproxy]),
    )
    expect(programs.filter((path) => path.startsWith(app))).toEqual([])
  })

  it('goes on when the app is gone: its shell answers, its ports can be changed', async () => {
    await rm(app, { recursive: true })
    expect(await fromProject.ok(['exec', 'kept', '--', 'uname', '-s'])).toBe('Linux\n')
    await fromProject.ok(['ports', 'kept', '--add', '0:80'])
  })

  it('is found again by the same version from another mount, which makes no second copy', async () => {
    const before = await installed()
    app = join(home, 'another mount')
    const again = await makeCli({ dataDir: join(home, 'data'), command: await installApp() })
    const machines = await again.json<{ state: { status: string } }[]>(['ls'])
    expect(machines.map(({ state }) => state.status)).toEqual(['running'])
    expect(await installed()).toBe(before)
  })

  it('stops, with nothing left behind', async () => {
    await fromProject.ok(['stop', 'kept'])
    expect(await processesNaming(home)).toEqual([])
  })
})

async function runnerFile(): Promise<string> {
  const names = await readdir(join(home, 'data/vms'))
  const id = names.find((name) => !name.startsWith('.'))
  return join(home, 'data/vms', id!, 'runner.json')
}
