// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastingInstallation, typeOfMount } from '../../../../src/main/extract/lasting-installation'
import type { Installation } from '../../../../src/main/lib/installation'
import { silentLogger } from '../../../../src/main/lib/logger'

let home: string
const at = (...path: string[]): string => join(home, ...path)
const put = async (path: string, content: string, mode = 0o644): Promise<void> => {
  await mkdir(join(at(path), '..'), { recursive: true })
  await writeFile(at(path), content)
  await chmod(at(path), mode)
}
const here = (): Installation => ({
  runnerProgram: at('app/microvm-desktop'),
  vmmProgram: at('app/microvm-desktop'),
  scripts: at('app/resources/app.asar.unpacked/out/main'),
  runtimeDir: at('app/resources/runtime/linux-x64'),
})
const lasting = (env: NodeJS.ProcessEnv, mounts = '') =>
  lastingInstallation(here(), {
    ...{ env, into: at('data/installed'), vms: at('data/vms'), logger: silentLogger },
    mounts: () => Promise.resolve(mounts),
  })
const extracted = async (): Promise<string[]> =>
  (await readdir(at('data/installed')).catch(() => [])).filter((name) => name.length === 64)

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lasting-'))
  await put('app/microvm-desktop', 'electron', 0o755)
  await put('app/icudtl.dat', 'unicode')
  await put('app/locales/de.pak', 'window only')
  await put('app/resources/app.asar', 'window only')
  await put('app/resources/app.asar.unpacked/out/main/runner.js', 'scripts')
  await put('app/resources/runtime/linux-x64/bin/gvproxy', 'gvproxy', 0o755)
})
afterEach(() => rm(home, { recursive: true, force: true }))

describe.runIf(process.platform === 'linux')('where machines run from', () => {
  it('is the installation itself, and nothing is copied, where that stays', async () => {
    expect(await lasting({}, '1 0 8:1 / / rw - ext4 /dev/sda1 rw')).toEqual(here())
    expect(await lasting({}, '1 0 8:1 / / rw - fuse.fuse-overlayfs x rw')).toEqual(here())
    expect(await lasting({ APPDIR: at('elsewhere') })).toEqual(here())
    expect(await extracted()).toEqual([])
  })

  it('is the checkout itself, whatever the system’s Node lies on', async () => {
    await rm(at('app/resources'), { recursive: true })
    expect(await lasting({}, '1 0 8:1 / / ro - squashfs /dev/loop0 ro')).toEqual(here())
  })

  it.each(['APPDIR', 'squashfs', 'iso9660'])(
    'is a copy in the data directory where the app may go: %s',
    async (why) => {
      const mounts = `1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / ${at('app')} ro - ${why} x ro\n`
      const found = await (why === 'APPDIR' ? lasting({ APPDIR: at('app') }) : lasting({}, mounts))
      const [name] = await extracted()
      const copy = at('data/installed', name!)
      expect(found).toEqual({
        runnerProgram: join(copy, 'microvm-desktop'),
        vmmProgram: join(copy, 'microvm-desktop'),
        scripts: join(copy, 'resources/app.asar.unpacked/out/main'),
        runtimeDir: join(copy, 'resources/runtime/linux-x64'),
      })
      await rm(at('app'), { recursive: true })
      expect(await readFile(join(found.scripts, 'runner.js'), 'utf8')).toBe('scripts')
      expect(await readdir(join(copy, 'resources'))).not.toContain('app.asar')
      expect((await stat(found.runnerProgram)).mode & 0o777).toBe(0o500)
      expect((await stat(join(found.runtimeDir, 'bin/gvproxy'))).mode & 0o777).toBe(0o500)
      expect((await readdir(copy)).toSorted()).toEqual([
        ...['icudtl.dat', 'manifest.json', 'microvm-desktop', 'resources'],
      ])
    },
  )

  it('is left where the user says, as far as it is not the app’s', async () => {
    const elsewhere = { ...here(), runtimeDir: '/opt/parts' }
    const deps = { env: { APPDIR: at('app') }, into: at('data/installed'), vms: at('data/vms') }
    const found = await lastingInstallation(elsewhere, { ...deps, logger: silentLogger })
    expect(found.runtimeDir).toBe('/opt/parts')
  })

  it('keeps an earlier version as long as a machine’s configuration names it', async () => {
    const env = { APPDIR: at('app') }
    const first = await lasting(env)
    await put('data/vms/a1/runner.json', JSON.stringify({ gvproxy: join(first.runtimeDir, 'bin') }))
    await put('app/resources/app.asar.unpacked/out/main/runner.js', 'newer scripts')
    await lasting(env)
    expect(await extracted()).toHaveLength(2)
    await rm(at('data/vms/a1'), { recursive: true })
    await put('app/resources/app.asar.unpacked/out/main/runner.js', 'newest of all scripts')
    const last = await lasting(env)
    const names = await extracted()
    expect(names.map((name) => at('data/installed', name, 'microvm-desktop'))).toEqual([
      last.runnerProgram,
    ])
  })
})

describe('the type of the mount that holds a path', () => {
  const table = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:5 / /tmp/.mount_Micro\\040VM ro,nosuid - fuse.MicroVM.AppImage MicroVM ro',
    '31 22 0:6 / /tmp rw - tmpfs tmpfs rw',
    '32 22 0:7 / /tmp rw - overlay overlay rw',
  ].join('\n')

  it.each([
    ['/usr/bin', 'ext4'],
    ['/tmp/.mount_Micro VM', 'fuse.MicroVM.AppImage'],
    ['/tmp/.mount_Micro VM/usr/bin', 'fuse.MicroVM.AppImage'],
    ['/tmp/.mount_Micro VMs', 'overlay'],
    ['/tmpfile', 'ext4'],
  ])('of %s is %s', (path, type) => {
    expect(typeOfMount(table, path)).toBe(type)
  })

  it('is empty where nothing is known', () => {
    expect(typeOfMount('', '/usr')).toBe('')
    expect(typeOfMount('rubbish\n\n - \n', '/usr')).toBe('')
  })
})
