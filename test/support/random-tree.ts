// SPDX-License-Identifier: Apache-2.0
// Trees of every kind of file, with their layers' data on disk, out of a seed; and what a kernel
// that mounts the disk made of one must show for every path.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { FsNode, FsTree, LayerData } from '../../src/main/image/tree/fs-tree'
import type { Listing } from './erofs-judge'

const BLOCK = 4096

/** mulberry32: numbers from 0 up to 1. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

export function newNode(type: FsNode['type'], fields: Partial<FsNode> = {}): FsNode {
  return {
    type,
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNs: 0,
    size: 0,
    layer: 0,
    offset: 0,
    target: '',
    major: 0,
    minor: 0,
    xattrs: new Map(),
    children: new Map(),
    ...fields,
  }
}

/** A layer's data file that grows file by file, each at a block boundary, as the layer store lays them out. */
export class LayerWriter {
  readonly contents = new Map<FsNode, string>()
  readonly #folder: string
  readonly #index: number
  #chunks: { offset: number; bytes: Uint8Array }[] = []
  #size = 0

  constructor(folder: string, index: number) {
    this.#folder = folder
    this.#index = index
  }

  /** Adds a file that is `bytes`, or `size` bytes that begin and end with them, a hole between. */
  add(bytes: Uint8Array, fields: Partial<FsNode> = {}, size = bytes.length): FsNode {
    const node = newNode('file', { ...fields, size, layer: this.#index, offset: this.#size })
    if (size === 0) return newNode('file', fields)
    this.#chunks.push({ offset: this.#size, bytes })
    if (size > bytes.length) this.#chunks.push({ offset: this.#size + size - bytes.length, bytes })
    this.#size += Math.ceil(size / BLOCK) * BLOCK
    return node
  }

  async finish(): Promise<LayerData> {
    const dataPath = join(this.#folder, `layer-${this.#index}.data`)
    const file = await open(dataPath, 'w')
    await file.truncate(this.#size)
    for (const { offset, bytes } of this.#chunks) await file.write(bytes, 0, bytes.length, offset)
    await file.close()
    return { diffId: `sha256:${this.#index}`, dataPath, dataSize: this.#size }
  }
}

/**
 * A tree of about `count` objects over three layers.
 * @param names 'any' bytes that a name may have, or only 'plain' ones that a shell prints as they are
 */
export async function randomTree(
  folder: string,
  seed: number,
  count: number,
  names: 'any' | 'plain' = 'any',
): Promise<FsTree> {
  const random = randomNumbers(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!
  const layers = [0, 1, 2].map((index) => new LayerWriter(folder, index))
  const root = newNode('directory', common())
  const folders = [root]
  const others: FsNode[] = []

  for (let made = 0; made < count; made++) {
    const parent = pick(folders)
    const name = newName()
    if (parent.children.has(name)) continue
    const isLink = others.length > 0 && random() < 0.05
    const node = isLink ? pick(others) : newObject()
    parent.children.set(name, node)
    if (node.type === 'directory') folders.push(node)
    else if (!isLink) others.push(node)
  }
  return { root, layers: await Promise.all(layers.map((layer) => layer.finish())) }

  function common(): Partial<FsNode> {
    return {
      mode: below(0o10000),
      uid: pick([0, 1000, 65_535, 65_536, 4_294_967_294]),
      gid: pick([0, 1000, 65_535, 65_536, 4_294_967_294]),
      mtime: pick([0, -1, -86_400 * 365, 1_700_000_000, 2 ** 31, 2 ** 33]) + below(1000),
      mtimeNs: pick([0, 1, 999_999_999, below(1e9)]),
      xattrs: new Map(
        Array.from({ length: random() < 0.2 ? 1 + below(4) : 0 }, () => [
          `${pick(['user.', 'trusted.'])}${'x'.repeat(1 + below(200))}`,
          Buffer.alloc(pick([0, 1, 3, 4, 100, 3000]), below(256)),
        ]),
      ),
    }
  }

  function newObject(): FsNode {
    const fields = common()
    const kind = random()
    if (kind < 0.2) return newNode('directory', fields)
    if (kind < 0.35) {
      const target = `${'t'.repeat(pick([0, 20, 100, 3900, 4093]))}é`
      return newNode('symlink', { ...fields, target, mode: 0o777, xattrs: new Map() })
    }
    const device = { major: below(4096), minor: below(1 << 20) }
    if (kind < 0.38) return newNode('char', { ...fields, ...device, xattrs: new Map() })
    if (kind < 0.41) return newNode('block', { ...fields, ...device, xattrs: new Map() })
    if (kind < 0.43) return newNode('fifo', { ...fields, xattrs: new Map() })
    if (kind < 0.45) return newNode('socket', { ...fields, xattrs: new Map() })
    const size = pick([0, 1, 100, 4095, 4096, 4097, 20_000])
    const bytes = Buffer.from(Array.from({ length: size }, () => below(256)))
    const isSparse = size > 0 && random() < 0.03
    return pick(layers).add(bytes, fields, isSparse ? 3 * 1024 * 1024 + size : size)
  }

  function newName(): string {
    if (names === 'plain') return `n${'-._+'[below(4)]!.repeat(below(100))}${below(1e9)}`
    // '!' to '-' sort before '.', U+1F600 sorts after U+FFxx by bytes and before it by UTF-16.
    const letter = pick(['a', '!', '-', ' ', '\n', '~', 'é', '語', '\uff21', '\u{1f600}'])
    const length = pick([7, 8, 10, Math.floor(255 / Buffer.byteLength(letter))])
    const tail = String(below(1e6))
    const name = letter.repeat(length) + tail
    return Buffer.byteLength(name) <= 255 ? name : letter.repeat(length - tail.length) + tail
  }
}

/** What `listTree` must say of a tree, worked out from the nodes and the layers' files alone. */
export async function expectedListing(tree: FsTree): Promise<Listing> {
  const listing: Listing = new Map()
  const links = new Map<FsNode, { first: string; count: number }>()
  const paths: [string, FsNode][] = []
  const walk = (path: string, node: FsNode): void => {
    const known = links.get(node)
    if (known) known.count += 1
    else links.set(node, { first: path, count: 1 })
    paths.push([path, node])
    const order = [...node.children].map(([name, child]) => [Buffer.from(name), child] as const)
    for (const [name, child] of order.sort(([a], [b]) => a.compare(b)))
      walk(`${path}/${name.toString()}`, child)
  }
  walk('', tree.root)
  for (const [path, node] of paths) {
    const { first, count } = links.get(node)!
    const subfolders = [...node.children.values()].filter(({ type }) => type === 'directory')
    const isFolder = node.type === 'directory'
    const isDevice = node.type === 'char' || node.type === 'block'
    listing.set(path, {
      type: node.type,
      mode: node.mode,
      uid: node.uid,
      gid: node.gid,
      mtime: String(BigInt(node.mtime) * 1_000_000_000n + BigInt(node.mtimeNs)),
      size: isFolder ? 0 : node.type === 'symlink' ? Buffer.byteLength(node.target) : node.size,
      links: isFolder ? 2 + subfolders.length : count,
      sameAs: first,
      target: node.target,
      device: isDevice ? `${node.major}:${node.minor}` : '',
      content: node.type === 'file' ? await hashOf(tree, node) : '',
      xattrs: [...node.xattrs]
        .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
        .sort(),
    })
  }
  return listing
}

async function hashOf(tree: FsTree, node: FsNode): Promise<string> {
  const bytes = Buffer.alloc(node.size)
  if (node.size > 0) {
    const file = await open(tree.layers[node.layer]!.dataPath, 'r')
    await file.read(bytes, 0, node.size, node.offset)
    await file.close()
  }
  return createHash('sha256').update(bytes).digest('hex')
}
