// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pinnedParts, relink } from '../../../../scripts/parts/darwin-parts.mjs'
import { platformOf } from '../../../../scripts/parts/platforms.mjs'

let lib: string
let calls: string[][]
beforeEach(async () => {
  lib = await mkdtemp(join(tmpdir(), 'dylibs-'))
  calls = []
  for (const name of ['libkrun.1.dylib', 'libepoxy.0.dylib']) await writeFile(join(lib, name), '')
})
afterEach(() => rm(lib, { recursive: true, force: true }))

/** Apple's tools: otool tells of these dependencies, the others are only noted. */
const tools =
  (...dependencies: string[]) =>
  (program: string, args: readonly string[]): Promise<string> => {
    if (program !== 'otool') calls.push([program, ...args])
    const lines = dependencies.map((name) => `\t${name} (compatibility version 1.0.0)`)
    return Promise.resolve([`${args.at(-1)}:`, ...lines, ''].join('\n'))
  }

describe('relinking a library of a bottle', () => {
  it('makes it look beside itself for what Homebrew would have, and only for that', async () => {
    const library = join(lib, 'libkrun.1.dylib')
    const run = tools(
      '@@HOMEBREW_PREFIX@@/opt/libkrun/lib/libkrun.1.dylib',
      '/opt/homebrew/opt/libepoxy/lib/libepoxy.0.dylib',
      '/usr/lib/libSystem.B.dylib',
    )
    await relink(library, run)
    expect(calls).toEqual([
      [
        ...['install_name_tool', '-id', '@rpath/libkrun.1.dylib'],
        '-change',
        '@@HOMEBREW_PREFIX@@/opt/libkrun/lib/libkrun.1.dylib',
        '@loader_path/libkrun.1.dylib',
        '-change',
        '/opt/homebrew/opt/libepoxy/lib/libepoxy.0.dylib',
        '@loader_path/libepoxy.0.dylib',
        library,
      ],
      ['codesign', '--force', '--sign', '-', library],
    ])
  })

  it('refuses a library whose neighbour nobody pinned, and changes nothing', async () => {
    const run = tools('@@HOMEBREW_PREFIX@@/opt/dtc/lib/libfdt.1.dylib')
    await expect(relink(join(lib, 'libkrun.1.dylib'), run)).rejects.toThrow(
      /needs libfdt\.1\.dylib, which no pinned part has/,
    )
    expect(calls).toEqual([])
  })
})

describe('libkrun for a Mac', () => {
  it('demands the pins that nobody has given yet', async () => {
    const part = pinnedParts.find(({ name }) => name === 'libkrun')!
    const unasked = () => Promise.reject(new Error('asked'))
    const make = part.make({
      platform: platformOf('darwin-arm64'),
      packages: unasked,
      hostPackages: unasked,
      at: (output: string) => join(lib, output),
      cache: lib,
    })
    await expect(make).rejects.toThrow(/pinned for libepoxy, molten-vk/)
  })
})
