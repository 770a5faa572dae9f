// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { removeTree } from '../../../../src/main/lib/remove-tree'

let dir: string
let tree: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-remove-'))
  tree = join(dir, 'tree')
})
// Not by `rm`: what it cannot delete is what is tested.
afterEach(() => execFileSync('rm', ['-rf', dir]))

describe('a folder that a guest has written into', () => {
  it('is deleted, and nothing its links lead to', async () => {
    await mkdir(join(tree, 'a/b'), { recursive: true })
    await mkdir(join(dir, 'outside'))
    await writeFile(join(dir, 'outside/kept'), 'kept')
    await symlink(join(dir, 'outside'), join(tree, 'a/link'))
    await symlink(join(dir, 'outside/kept'), join(tree, 'a/b/link'))
    await removeTree(tree)
    expect(await readdir(dir)).toEqual(['outside'])
    expect(await readFile(join(dir, 'outside/kept'), 'utf8')).toBe('kept')
  })

  it('may be gone already', async () => {
    await removeTree(tree)
    await symlink(dir, tree)
    await removeTree(tree)
    expect(await readdir(dir)).toEqual([])
  })

  it('is deleted however deep it is: deeper than any path reaches', async () => {
    await mkdir(tree)
    const name = 'd'.repeat(200)
    // A path of 12,000 bytes can only be made step by step.
    const script = `const fs = require('fs')
      for (let i = 0; i < 60; i++) { fs.mkdirSync('${name}'); process.chdir('${name}') }
      fs.writeFileSync('file', ''); fs.symlinkSync('/', 'link')`
    execFileSync(process.execPath, ['-e', script], { cwd: tree })
    const plain = rm(tree, { recursive: true }).catch((error: unknown) => error)
    expect(await plain).toMatchObject({ code: 'ENAMETOOLONG' })
    await removeTree(tree)
    expect(await readdir(dir)).toEqual([])
  })

  it('is deleted though nobody may enter or change parts of it', async () => {
    await mkdir(join(tree, 'closed/inner'), { recursive: true })
    await writeFile(join(tree, 'closed/inner/file'), '')
    await chmod(join(tree, 'closed/inner'), 0o000)
    await chmod(join(tree, 'closed'), 0o555)
    await removeTree(tree)
    expect(existsSync(tree)).toBe(false)
  })
})
