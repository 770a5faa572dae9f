// SPDX-License-Identifier: Apache-2.0
// Takes images made to do harm into a store that lies among files of others, and looks afterwards
// whether any of those has changed, and whether the store is what it should be.
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { MicrovmError } from '../../../../../src/contract/errors'
import { createImageStore, type ImageStore } from '../../../../../src/main/image/image-store'
import { ingestLayer } from '../../../../../src/main/image/layers/layer-ingest'
import type { FsTree } from '../../../../../src/main/image/tree/fs-tree'
import { dataPaths } from '../../../../../src/main/lib/data-paths'
import { silentLogger } from '../../../../../src/main/lib/logger'
import { imageOfTars, writeLayout } from './make-image'
import { listTree } from './make-tree'
import { tarOf, type Member } from './tar-bytes'

/** Members, or the bytes of a whole tar. */
export type HostileLayer = readonly Member[] | Buffer

export interface HostileStore {
  readonly store: ImageStore
  /** Takes an image of these layers in. @returns its tree @throws as the store does */
  takeIn(layers: readonly HostileLayer[]): Promise<FsTree>
  /** As `takeIn`: the tree as text (make-tree.ts), or the code of the error. Checks the surroundings. */
  outcomeOf(layers: readonly HostileLayer[]): Promise<string[] | string>
  /** Fails if anything outside the store has changed, or anything in it is no plain file or folder of ours. */
  checkSurroundings(): void
}

/** To be called once, at the top of a test file. */
export function useHostileStore(): HostileStore {
  const root = mkdtempSync(join(tmpdir(), 'hostile-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const dataDir = join(root, 'home', 'data')
  const paths = dataPaths(dataDir).images
  // What archives like to aim at, as seen from the store and from its folder of layers.
  for (const folder of [root, join(root, 'home'), dataDir]) {
    mkdirSync(join(folder, 'etc'), { recursive: true })
    writeFileSync(join(folder, 'etc', 'passwd'), 'canary')
    writeFileSync(join(folder, 'passwd'), 'canary')
    symlinkSync('etc', join(folder, 'link'))
  }
  mkdirSync(paths.root, { mode: 0o700 })
  const store = createImageStore({
    paths,
    starterLayout: undefined,
    logger: silentLogger,
    arch: 'x64',
    ingest: ingestLayer,
  })
  const before = surroundings(root, paths.root)
  let turn = 0

  const takeIn = async (layers: readonly HostileLayer[]): Promise<FsTree> => {
    const tars = layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(...layer)))
    const folder = mkdtempSync(join(tmpdir(), 'hostile-layout-'))
    try {
      const layout = writeLayout(folder, { image: imageOfTars(tars) })
      const image = await store.importPath(layout, { reference: `hostile:${turn++}` })
      return await store.tree(image)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  const checkSurroundings = (): void => {
    expect(surroundings(root, paths.root)).toEqual(before)
    checkStore(paths.root)
  }
  const outcomeOf = async (layers: readonly HostileLayer[]): Promise<string[] | string> => {
    const outcome = await takeIn(layers).then(listTree, (error: unknown) => {
      const { code, message } = MicrovmError.from(error)
      expect(code, message).not.toBe('INTERNAL')
      return code
    })
    checkSurroundings()
    return outcome
  }
  return { store, takeIn, outcomeOf, checkSurroundings }
}

/** Everything below a folder but for what is in another: names, times, content. */
function surroundings(folder: string, except: string): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (path: string): void => {
    if (path === except) return
    const info = lstatSync(path)
    const content = info.isSymbolicLink()
      ? readlinkSync(path)
      : info.isFile()
        ? readFileSync(path, 'latin1')
        : ''
    found.set(path, [info.mode, info.uid, info.nlink, info.mtimeMs, content].join(' '))
    if (info.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name))
  }
  visit(folder)
  return found
}

/** Nothing but files and folders that only we may use. */
function checkStore(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const { mode, nlink } = lstatSync(path)
    expect(entry.isFile() || entry.isDirectory(), path).toBe(true)
    expect(mode & 0o7777, path).toBe(entry.isFile() ? 0o600 : 0o700)
    if (entry.isFile()) expect(nlink, path).toBe(1)
    expect(entry.name, path).not.toMatch(/\.tmp$/)
  }
}
