// SPDX-License-Identifier: Apache-2.0
// Trees made of layers that are written down as a few members each, and trees written down as text.
import type { Entry } from '../../../../../src/main/image/tree/entry'
import {
  buildFsTree,
  type FsNode,
  type FsTree,
  type LayerContent,
} from '../../../../../src/main/image/tree/fs-tree'
import { TarReader } from '../../../../../src/main/image/tar/tar-reader'
import { isWhiteout } from '../../../../../src/main/image/tree/whiteout'
import { tarOf, type Member } from './tar-bytes'

export const dir = (name: string, rest: Partial<Member> = {}): Member => ({
  name,
  flag: '5',
  ...rest,
})
export const file = (name: string, data = '', rest: Partial<Member> = {}): Member => ({
  name,
  data,
  ...rest,
})
export const link = (name: string, target: string): Member => ({ name, flag: '2', link: target })
export const hard = (name: string, target: string, rest: Partial<Member> = {}): Member => ({
  name,
  flag: '1',
  link: target,
  ...rest,
})

/** A layer with made-up offsets: each file of content at the next multiple of 4096. */
export function layer(id: number, members: readonly Member[]): LayerContent {
  const entries: Entry[] = []
  let offset = 0
  const reader = new TarReader({
    entry(entry) {
      entries.push({ ...entry, offset: entry.size > 0 ? offset : 0 })
      offset += Math.ceil(entry.size / 4096) * 4096
    },
    content: () => undefined,
  })
  reader.push(tarOf(...members))
  const diffId = `sha256:${String(id).padStart(64, '0')}`
  return {
    data: { diffId, dataPath: `/layers/${id}.data`, dataSize: offset },
    hasWhiteouts: entries.some(({ path }) => isWhiteout(path)),
    list: () => entries,
  }
}

export const treeOf = (...layers: readonly (readonly Member[])[]): Promise<FsTree> =>
  buildFsTree(layers.map((members, index) => layer(index + 1, members)))

/** "dir/", "file=3" (its size), "link → target"; sorted by path. */
export function listTree({ root }: FsTree): string[] {
  const lines: string[] = []
  const visit = (node: FsNode, prefix: string): void => {
    for (const [name, child] of node.children) {
      const path = prefix + name
      if (child.type === 'directory') {
        lines.push(`${path}/`)
        visit(child, `${path}/`)
      } else if (child.type === 'symlink') lines.push(`${path} → ${child.target}`)
      else lines.push(`${path}=${child.size}`)
    }
  }
  visit(root, '')
  return lines.toSorted()
}

export function nodeAt({ root }: FsTree, path: string): FsNode {
  let node = root
  for (const part of path.split('/')) {
    const next = node.children.get(part)
    if (!next) throw new Error(`no ${path}`)
    node = next
  }
  return node
}
