// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { extract, type SourceFile } from '../../../../src/main/extract/extract'
import { silentLogger, type Logger } from '../../../../src/main/lib/logger'

let home: string
let sources: SourceFile[]
let warnings: string[]
const logger: Logger = {
  ...silentLogger,
  warn: (_message, fields) => warnings.push(String(fields?.['reason'])),
}
const at = (...path: string[]): string => join(home, ...path)

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'extract-'))
  warnings = []
  await writeFile(at('tool'), '#!/bin/sh\necho hello\n')
  await writeFile(at('data'), 'kernel')
  sources = [
    { path: 'bin/tool', from: at('tool'), executable: true },
    { path: 'share/data', from: at('data'), executable: false },
  ]
})
afterEach(() => rm(home, { recursive: true, force: true }))

const run = (files = sources): Promise<string> => extract(files, { into: at('into'), logger })
/** Names of the extracted folders, and of anything half-made. */
const folders = async (): Promise<string[]> =>
  (await readdir(at('into'))).filter((name) => name !== 'lock' && name !== 'sources.json')

describe('extracting files', () => {
  it('gives a private folder named by its content, with modes and a manifest', async () => {
    const dir = await run()
    expect(dir).toMatch(/into\/[0-9a-f]{64}$/)
    expect(await folders()).toEqual([dir.split('/').at(-1)])
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dir, 'bin/tool'))).mode & 0o777).toBe(0o500)
    expect((await stat(join(dir, 'share/data'))).mode & 0o777).toBe(0o400)
    expect(await readFile(join(dir, 'share/data'), 'utf8')).toBe('kernel')
    const { files } = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))
    expect(files.map((file: { path: string }) => file.path)).toEqual(['bin/tool', 'share/data'])
    expect((await promisify(execFile)(join(dir, 'bin/tool'))).stdout).toBe('hello\n')
  })

  it('does it once: the next call finds the same folder, untouched', async () => {
    const dir = await run()
    const before = await stat(join(dir, 'share/data'))
    expect(await run()).toBe(dir)
    expect((await stat(join(dir, 'share/data'))).ino).toBe(before.ino)
    expect(warnings).toEqual([])
  })

  it('names another content by another folder, and keeps the first', async () => {
    const first = await run()
    await writeFile(at('data'), 'newer kernel')
    const second = await run()
    expect(second).not.toBe(first)
    expect(await readFile(join(first, 'share/data'), 'utf8')).toBe('kernel')
    expect(await readFile(join(second, 'share/data'), 'utf8')).toBe('newer kernel')
  })

  it('names the same content from elsewhere by the same folder', async () => {
    const dir = await run()
    await writeFile(at('moved'), 'kernel')
    await utimes(at('moved'), 1, 1)
    const inode = (await stat(join(dir, 'share/data'))).ino
    expect(await run([sources[0]!, { ...sources[1]!, from: at('moved') }])).toBe(dir)
    expect((await stat(join(dir, 'share/data'))).ino).toBe(inode)
  })

  it('keeps holes: a large empty file takes no space', async () => {
    await writeFile(at('disk'), 'x')
    await truncate(at('disk'), 32 * 1024 * 1024)
    const dir = await run([{ path: 'disk', from: at('disk'), executable: false }])
    const { size, blocks } = await stat(join(dir, 'disk'))
    expect(size).toBe(32 * 1024 * 1024)
    expect(blocks * 512).toBeLessThan(2 * 1024 * 1024)
    expect((await readFile(join(dir, 'disk'))).equals(await readFile(at('disk')))).toBe(true)
  })

  it('leaves nothing half-made when a source cannot be read', async () => {
    const missing = { path: 'gone', from: at('gone'), executable: false }
    await expect(run([...sources, missing])).rejects.toThrow(/unpack the app's parts.*gone/)
    expect(await folders()).toEqual([])
  })

  it('leaves nothing half-made when it is cancelled, and works the next time', async () => {
    const signal = AbortSignal.abort()
    const cancelled = extract(sources, { into: at('into'), logger, signal })
    await expect(cancelled).rejects.toThrow()
    expect(await folders()).toEqual([])
    await run()
    expect(await folders()).toHaveLength(1)
  })

  it('clears away what a killed process left', async () => {
    await mkdir(at('into/.new/bin'), { recursive: true })
    await writeFile(at('into/.new/bin/tool'), 'half')
    const dir = await run()
    expect(await folders()).toEqual([dir.split('/').at(-1)])
  })
})

describe('an extracted folder that was tampered with', () => {
  const changes: [string, (dir: string) => Promise<unknown>][] = [
    ['a byte more', (dir) => open(dir, 'share/data', (path) => appendFile(path, '!'))],
    [
      'other bytes of the same size',
      (dir) => open(dir, 'share/data', (path) => writeFile(path, 'KERNEL')),
    ],
    ['a file that may be run', (dir) => chmod(join(dir, 'share/data'), 0o500)],
    ['a file that may be written', (dir) => chmod(join(dir, 'bin/tool'), 0o700)],
    ['a file gone', (dir) => rm(join(dir, 'bin/tool'))],
    ['a file more', (dir) => writeFile(join(dir, 'bin/library.so'), '')],
    ['a link in place of a file', (dir) => relink(join(dir, 'share/data'))],
    ['no manifest', (dir) => rm(join(dir, 'manifest.json'))],
    ['a manifest that agrees with the change', rewriteManifest],
  ]
  async function open(dir: string, path: string, change: (path: string) => Promise<unknown>) {
    const file = join(dir, path)
    const { atime, mtime } = await stat(file)
    await chmod(file, 0o600)
    await change(file)
    await chmod(file, 0o400)
    // As who covers his tracks would.
    await utimes(file, atime, mtime)
  }
  async function relink(path: string) {
    await rm(path)
    await symlink(at('data'), path)
  }
  async function rewriteManifest(dir: string) {
    await open(dir, 'share/data', (path) => writeFile(path, 'KERNEL'))
    const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))
    const { createHash } = await import('node:crypto')
    manifest.files[1].sha256 = createHash('sha256').update('KERNEL').digest('hex')
    await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest))
  }

  it.each(changes)('is noticed and made anew: %s', async (_name, change) => {
    const dir = await run()
    await change(dir)
    expect(await run()).toBe(dir)
    expect(warnings).toHaveLength(1)
    expect(await readFile(join(dir, 'share/data'), 'utf8')).toBe('kernel')
    expect((await stat(join(dir, 'bin/tool'))).mode & 0o777).toBe(0o500)
    expect((await readdir(join(dir, 'bin'))).toSorted()).toEqual(['tool'])
    expect(await folders()).toHaveLength(1)
    warnings = []
    expect(await run()).toBe(dir)
    expect(warnings).toEqual([])
  })

  it('is kept if only the outside differs, as after a restored backup', async () => {
    const dir = await run()
    await utimes(join(dir, 'share/data'), 5, 5)
    const inode = (await stat(join(dir, 'share/data'))).ino
    expect(await run()).toBe(dir)
    expect(warnings).toEqual([])
    expect((await stat(join(dir, 'share/data'))).ino).toBe(inode)
  })
})

describe('ten processes at once', () => {
  it('get one folder, copied once', async () => {
    await build({
      logLevel: 'error',
      configFile: false,
      build: {
        ssr: resolve(import.meta.dirname, '../../../../src/main/extract/extract.ts'),
        outDir: at('built'),
        rolldownOptions: { output: { entryFileNames: 'extract.mjs' } },
      },
      ssr: { noExternal: ['zod'], external: ['fs-native-extensions'] },
    })
    await symlink(resolve('node_modules'), at('node_modules'))
    await writeFile(at('data'), Buffer.alloc(8 * 1024 * 1024, 'k'))
    const code = `
      import { extract } from ${JSON.stringify(at('built/extract.mjs'))}
      let copied = 0
      const logger = { debug() {}, info() {}, warn() {}, error() {} }
      const dir = await extract(${JSON.stringify(sources)}, {
        into: ${JSON.stringify(at('into'))}, logger, onNew: async () => void (copied += 1),
      })
      console.log(JSON.stringify({ dir, copied }))`
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
    const outputs = await Promise.all(Array.from({ length: 10 }, start))
    const answers = outputs.map(
      ({ stdout }) => JSON.parse(stdout) as { dir: string; copied: number },
    )
    expect(new Set(answers.map(({ dir }) => dir)).size).toBe(1)
    expect(answers.reduce((sum, { copied }) => sum + copied, 0)).toBe(1)
    expect(await folders()).toEqual([answers[0]!.dir.split('/').at(-1)])
    expect(await run()).toBe(answers[0]!.dir)
  })
})
