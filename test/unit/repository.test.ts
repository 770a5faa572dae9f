// SPDX-License-Identifier: Apache-2.0
// Rules about the repository's files as such.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

// The clone may belong to another user than the one who tests it.
const tracked = run('git', '-c', 'safe.directory=*', 'ls-files', '-z')
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)))
const sources = tracked.filter((path) => /\.([cm]?[jt]sx?|cc?|h|sh|css|ya?ml)$|^\.ci\//.test(path))
const linesOf = (path: string): string[] => readFileSync(join(root, path), 'utf8').split('\n')

/** Folders that many machines have: their names say nothing about this one. */
const commonFolders = new Set([
  '/',
  '/home',
  '/mnt',
  '/opt',
  '/root',
  '/src',
  '/srv',
  '/tmp',
  '/usr',
  '/var',
])

/** What would tie the repository to this machine; asked of the machine, so that it is not written here. */
function namesOfThisMachine(): string[] {
  const ask = (program: string, ...args: string[]): string => {
    try {
      return run(program, ...args)
    } catch {
      return ''
    }
  }
  const addresses = `${ask('npm', 'config', 'get', 'registry')}\n${ask('apt-get', 'indextargets', '--format', '$(SITE)')}`
  const hosts = [...addresses.matchAll(/^[a-z]+:\/\/(?:[^/@\n]*@)?([^/:\n]+)/gm)].map((m) => m[1]!)
  const folders = [root, dirname(root)].filter((path) => !commonFolders.has(path))
  return [...new Set([...hosts, ...folders.map((path) => `${path}/`)])]
}

describe('every source file', () => {
  it('says its licence in the first lines', () => {
    expect(sources.length).toBeGreaterThan(50)
    const silent = sources.filter(
      (path) => !/SPDX-License-Identifier: Apache-2\.0/.test(linesOf(path).slice(0, 2).join('\n')),
    )
    expect(silent).toEqual([])
  })

  it('has at most 400 lines', () => {
    expect(sources.filter((path) => linesOf(path).length > 401)).toEqual([])
  })
})

describe('every tracked file', () => {
  it('names neither a registry or mirror this machine uses, nor a folder of it', () => {
    const found = namesOfThisMachine().flatMap((name) =>
      tracked
        .filter((path) => readFileSync(join(root, path)).includes(name))
        .map((path) => `${path} has ${name}`),
    )
    expect(found).toEqual([])
  })
})
