// SPDX-License-Identifier: Apache-2.0
// The native parts of this computer as archives to pass on: packed twice, read back, and what is wrong refused.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installArchive, packArchive } from '../../scripts/parts/archive.mjs'
import { platformOf } from '../../scripts/parts/platforms.mjs'
import { runtimeDirOf } from '../../scripts/setup/paths.mjs'

const run = promisify(execFile)
const platform = platformOf()
const runtime = runtimeDirOf(platform.name)
const groups = ['runtime', 'firmware'] as const
type Group = (typeof groups)[number]
type Packed = Awaited<ReturnType<typeof packArchive>>

let home: string
let packed: Record<Group, Packed>
const at = (...path: string[]): string => join(home, ...path)
const pack = (group: Group, out: string): Promise<Packed> =>
  packArchive({ group, platform, dir: runtime, out })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'part-archives-'))
  packed = {
    runtime: await pack('runtime', at('dist')),
    firmware: await pack('firmware', at('dist')),
  }
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function sums(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const pairs = files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name)
    const content = await readFile(path)
    const hash = createHash('sha256').update(content).digest('hex')
    return [path.slice(dir.length + 1), hash] as const
  })
  return new Map(await Promise.all(pairs))
}

describe('the archives of the native parts', () => {
  it.each(groups)('%s: packed again, the bytes are the same', async (group) => {
    const again = await pack(group, at('again'))
    expect(basename(again.path)).toBe(basename(packed[group].path))
    const [one, other] = await Promise.all([packed[group], again].map((p) => readFile(p.path)))
    expect(one!.equals(other!)).toBe(true)
  })

  it('stand in SHA256SUMS beside them, as sha256sum reads it', async () => {
    const { stdout } = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: at('dist') })
    expect(stdout.trim().split('\n').toSorted()).toEqual(
      groups.map((group) => `${basename(packed[group].path)}: OK`).toSorted(),
    )
  })

  it('hold one folder each, whose own SHA256SUMS is right', async () => {
    for (const group of groups) {
      await run('tar', ['-xzf', packed[group].path, '-C', home])
      const cwd = at(basename(packed[group].path, '.tar.gz'))
      await run('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd })
    }
  })

  it('keep what is under the GPL apart, with licence texts, sources and an offer of them', async () => {
    const list = async (group: Group) => [
      ...(await sums(at(basename(packed[group].path, '.tar.gz')))).keys(),
    ]
    const [open, gpl] = [await list('runtime'), await list('firmware')]
    expect(open).toEqual(
      expect.arrayContaining(['bin/gvproxy', 'licences/runtime/gvproxy/copyright']),
    )
    expect(open.filter((path) => /GPL|busybox|kernel|bundle/.test(path))).toEqual([])
    expect(gpl).toEqual(
      expect.arrayContaining([platform.kernel, 'guest/bundle.tar', 'starter/index.json']),
    )
    const texts = [
      'common/GPL-2',
      'common/LGPL-2.1',
      'busybox-static/copyright',
      'libkrunfw5/copyright',
    ]
    expect(gpl).toEqual(expect.arrayContaining(texts.map((path) => `licences/firmware/${path}`)))
    const offer = await readFile(join(runtime, 'licences/firmware/SOURCES.md'), 'utf8')
    expect(offer).toMatch(/busybox-static .*: source package busybox \d/)
    expect(offer).toContain('Written offer')
  })

  it('give back every file as it was, with its mode, and the manifest with it', async () => {
    const dir = at('back')
    for (const group of groups)
      await installArchive({
        file: packed[group].path,
        sha256: packed[group].sha256,
        group,
        platform,
        dir,
      })
    const [before, after] = [await sums(runtime), await sums(dir)]
    const parts = JSON.parse(await readFile(join(runtime, 'manifest.json'), 'utf8')).parts
    const ours = new Set(
      Object.values<{ files: { path: string }[] }>(parts).flatMap((p) =>
        p.files.map((f) => f.path),
      ),
    )
    for (const path of ours) expect(after.get(path), path).toBe(before.get(path))
    expect(after.size).toBe(ours.size + 1)
    // Taken for current: packing from there needs nothing made anew.
    const again = await packArchive({ group: 'runtime', platform, dir, out: at('third') })
    expect(again.sha256).toBe(packed.runtime.sha256)
    const { stdout } = await run(join(dir, 'bin/gvproxy'), ['-version'])
    expect(stdout).toContain('gvproxy')
  })

  it('are refused when they are another file than announced', async () => {
    const file = at('changed.tar.gz')
    await cp(packed.runtime.path, file)
    await appendFile(file, 'x')
    const dir = at('nothing')
    const install = installArchive({
      file,
      sha256: packed.runtime.sha256,
      group: 'runtime',
      platform,
      dir,
    })
    await expect(install).rejects.toThrow(/its SHA-256 is/)
    await expect(readdir(dir)).rejects.toThrow(/ENOENT/)
  })

  it('are refused as another group, or for another guest', async () => {
    const dir = at('empty')
    const { path: file, sha256 } = packed.firmware
    const wrongGroup = installArchive({ file, sha256, group: 'runtime', platform, dir })
    await expect(wrongGroup).rejects.toThrow(/it is the firmware of/)
    const other = platformOf(process.arch === 'arm64' ? 'linux-x64' : 'linux-arm64')
    const wrongGuest = installArchive({ file, sha256, group: 'firmware', platform: other, dir })
    await expect(wrongGuest).rejects.toThrow(/it is the firmware of/)
    expect(await readdir(dir)).toEqual([])
  })

  it('are not made from a file that is not what its manifest says', async () => {
    const dir = at('copy')
    for (const path of ['manifest.json', 'bin', 'licences/runtime'])
      await cp(join(runtime, path), join(dir, path), { recursive: true })
    const notice = join(dir, 'licences/runtime/gvproxy/copyright')
    await writeFile(notice, (await readFile(notice, 'utf8')).replace('A', 'B'))
    const packing = packArchive({ group: 'runtime', platform, dir, out: at('bad') })
    await expect(packing).rejects.toThrow(/copyright: it is not what its manifest says/)
    expect(await readdir(at('bad')).catch(() => [])).toEqual([])
  })

  it('are not made while a part is missing; the remedy is the command that fetches it', async () => {
    const packing = packArchive({ group: 'firmware', platform, dir: at('void'), out: at('bad') })
    await expect(packing).rejects.toMatchObject({
      message: expect.stringContaining('missing or out of date: kernel'),
      remedy: `npm run fetch:firmware -- --platform ${platform.name}`,
    })
  })
})
