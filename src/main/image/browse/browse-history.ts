// SPDX-License-Identifier: Apache-2.0
// What an image's layers did to its files, one over the other: every name there ever was, with what
// it was after each layer that touched it. Layers are applied by the same rules as for the tree a
// machine boots from (tree-builder.ts). Holds no file content and reads no file.
// Always holds: the versions of a name ascend by layer and each differs from the one before; the
// totals of a folder are those of everything below it.
// Not followed: a layer's hard link may give a lower layer's file other metadata; then all versions
// of that file show the later ones.
import { setImmediate } from 'node:timers/promises'
import { MicrovmError } from '../../../contract/errors'
import type { FileChange, ImageFiles, LayerChanges } from '../../../contract/images'
import type { FsNode, LayerContent, LayerData } from '../tree/fs-tree'
import { TreeBuilder } from '../tree/tree-builder'

export interface Version {
  /** Index of the layer that made it so. */
  readonly layer: number
  /** undefined: gone. A directory's names are in `HistoryNode.children`, not here. */
  readonly node: FsNode | undefined
  /** Bytes it adds to its folders: of a file with several names, only the first one found. */
  readonly size: number
}

/** Of everything below a folder: what a layer did, and the bytes there are after it. */
export interface Totals extends Changes {
  readonly layer: number
  size: number
}

interface Changes {
  added: number
  changed: number
  removed: number
}

/** A name in a folder, through all layers. */
export interface HistoryNode {
  /** '' for the root. */
  readonly name: string
  readonly parent: HistoryNode | undefined
  readonly versions: Version[]
  /** Only of layers that changed something below. */
  readonly totals: Totals[]
  /** Empty for what never was a directory. */
  children: ReadonlyMap<string, HistoryNode>
}

export interface ImageHistory extends Omit<ImageFiles, 'digest'> {
  readonly root: HistoryNode
  /** Bottom to top; `FsNode.layer` is an index into it. */
  readonly data: readonly LayerData[]
}

/** The event loop gets its turn after so many entries (some tens of milliseconds). */
const ENTRIES_AT_A_TIME = 10_000
const nothing: ReadonlyMap<string, never> = new Map<string, never>()

/**
 * Applies layers bottom to top and remembers what each did.
 * @throws IMAGE_INVALID, with layer and entry in the message; CANCELLED
 */
export async function readHistory(
  layers: readonly LayerContent[],
  signal?: AbortSignal,
): Promise<ImageHistory> {
  const builder = new HistoryBuilder()
  for (const [index, layer] of layers.entries()) {
    try {
      builder.beginLayer(index, layer)
      let count = 0
      for (const entry of layer.list()) {
        builder.apply(entry)
        if (++count % ENTRIES_AT_A_TIME === 0)
          await setImmediate(undefined, signal ? { signal } : {})
      }
      builder.endLayer(index)
    } catch (error) {
      throw MicrovmError.inContext(`layer ${index + 1} of ${layers.length}`, error)
    }
  }
  return builder.finish(layers.map(({ data }) => data))
}

/** What a layer did to a name itself; undefined if it did nothing. */
export function changeBy(place: HistoryNode, layer: number): FileChange | undefined {
  const index = place.versions.findLastIndex((version) => version.layer === layer)
  if (index === -1) return undefined
  const before = place.versions[index - 1]?.node
  if (place.versions[index]?.node === undefined) return 'removed'
  return before === undefined ? 'added' : 'changed'
}

class HistoryBuilder {
  readonly #root = newPlace('', undefined)
  readonly #tree: TreeBuilder
  /** Directories of the tree as it is now, and where their history is; and back. */
  readonly #places = new Map<FsNode, HistoryNode>()
  readonly #folders = new Map<HistoryNode, FsNode>()
  /** Names each file with content has now. */
  readonly #names = new Map<FsNode, number>()
  readonly #effects: LayerChanges[] = []
  #touched = new Map<FsNode, Set<string>>()
  #changed = new Set<HistoryNode>()
  #lost = new Set<FsNode>()
  #fileBytes = 0

  constructor() {
    this.#tree = new TreeBuilder(undefined, (folder, name) => {
      const names = this.#touched.get(folder)
      if (names) names.add(name)
      else this.#touched.set(folder, new Set([name]))
    })
    this.#enter(this.#root, this.#tree.root)
  }

  beginLayer(index: number, { hasWhiteouts }: LayerContent): void {
    // The bottom layer has nothing below it to remove.
    this.#tree.beginLayer(index, index > 0 && hasWhiteouts)
    this.#touched = new Map()
    this.#changed = new Set()
    this.#lost = new Set()
    this.#fileBytes = 0
  }

  apply(entry: Parameters<TreeBuilder['apply']>[0]): void {
    this.#tree.apply(entry)
    this.#fileBytes += entry.size
  }

  endLayer(layer: number): void {
    this.#set(this.#root, this.#tree.root, layer)
    // A folder comes after the one it was put into.
    for (const [folder, names] of this.#touched) {
      const place = this.#places.get(folder)
      // Gone again by now.
      if (place === undefined) continue
      for (const name of names) this.#update(place, name, folder.children.get(name), layer)
    }
    const counts = { added: 0, changed: 0, removed: 0 }
    for (const place of this.#changed) this.#count(place, layer, counts)
    let hiddenBytes = 0
    for (const file of this.#lost) if (file.layer < layer) hiddenBytes += file.size
    this.#effects.push({ ...counts, fileBytes: this.#fileBytes, hiddenBytes, wastedBytes: 0 })
  }

  finish(data: readonly LayerData[]): ImageHistory {
    const shown = new Map<string, number>()
    for (const file of this.#names.keys()) {
      const { diffId } = data[file.layer]!
      shown.set(diffId, (shown.get(diffId) ?? 0) + file.size)
    }
    const layers = this.#effects.map((effect, index) => {
      const { diffId } = data[index]!
      // A layer that an image has twice is stored once.
      const isFirst = data.findIndex((layer) => layer.diffId === diffId) === index
      const wasted = effect.fileBytes - (shown.get(diffId) ?? 0)
      return { ...effect, wastedBytes: isFirst ? Math.max(0, wasted) : 0 }
    })
    return {
      root: this.#root,
      data,
      layers,
      entries: layers.reduce((sum, { added, removed }) => sum + added - removed, 0),
      fileBytes: [...shown.values()].reduce((sum, bytes) => sum + bytes, 0),
      wastedBytes: layers.reduce((sum, { wastedBytes }) => sum + wastedBytes, 0),
    }
  }

  #update(parent: HistoryNode, name: string, now: FsNode | undefined, layer: number): void {
    let place = parent.children.get(name)
    if (place === undefined) {
      if (now === undefined) return
      place = newPlace(name, parent)
      if (parent.children === nothing) parent.children = new Map()
      ;(parent.children as Map<string, HistoryNode>).set(name, place)
    }
    if (this.#folders.has(place) && this.#folders.get(place) !== now) this.#leave(place, layer)
    if (now?.type === 'directory') this.#enter(place, now)
    this.#set(place, now, layer)
  }

  #enter(place: HistoryNode, folder: FsNode): void {
    this.#places.set(folder, place)
    this.#folders.set(place, folder)
  }

  /** The directory is no more: neither is anything below it. */
  #leave(place: HistoryNode, layer: number): void {
    this.#places.delete(this.#folders.get(place)!)
    this.#folders.delete(place)
    for (const child of place.children.values()) {
      if (this.#folders.has(child)) this.#leave(child, layer)
      this.#set(child, undefined, layer)
    }
  }

  #set(place: HistoryNode, now: FsNode | undefined, layer: number): void {
    const { versions } = place
    const last = versions.at(-1)
    if (!differ(last?.node, now)) return
    this.#changed.add(place)
    if (last?.node) this.#release(last.node)
    if (last?.layer === layer) versions.pop()
    const size = now === undefined ? 0 : this.#claim(now)
    // What comes and goes within one layer never was.
    if (now === undefined && versions.at(-1)?.node === undefined) return
    const node = now?.type === 'directory' ? { ...now, children: new Map<string, FsNode>() } : now
    versions.push({ layer, node, size })
  }

  /** One name more. @returns bytes it adds to its folders */
  #claim(file: FsNode): number {
    if (file.size === 0) return 0
    const names = this.#names.get(file) ?? 0
    this.#names.set(file, names + 1)
    this.#lost.delete(file)
    return names === 0 ? file.size : 0
  }

  #release(file: FsNode): void {
    const names = this.#names.get(file)
    if (names === undefined) return
    if (names > 1) this.#names.set(file, names - 1)
    else {
      this.#names.delete(file)
      this.#lost.add(file)
    }
  }

  #count(place: HistoryNode, layer: number, counts: Changes): void {
    const change = changeBy(place, layer)
    if (change === undefined || place === this.#root) return
    counts[change]++
    const size = place.versions.at(-1)!.size - (place.versions.at(-2)?.size ?? 0)
    for (let folder = place.parent; folder; folder = folder.parent) {
      const totals = totalsFor(folder, layer)
      totals[change]++
      totals.size += size
    }
  }
}

function newPlace(name: string, parent: HistoryNode | undefined): HistoryNode {
  return { name, parent, versions: [], totals: [], children: nothing }
}

function totalsFor({ totals }: HistoryNode, layer: number): Totals {
  const last = totals.at(-1)
  if (last?.layer === layer) return last
  const added = { layer, added: 0, changed: 0, removed: 0, size: last?.size ?? 0 }
  totals.push(added)
  return added
}

/** A layer lists the folders its files are in: that alone changes nothing. */
function differ(before: FsNode | undefined, now: FsNode | undefined): boolean {
  if (before === undefined || now === undefined) return before !== now
  if (before.type !== 'directory' || now.type !== 'directory') return before !== now
  return (
    before.mode !== now.mode ||
    before.uid !== now.uid ||
    before.gid !== now.gid ||
    before.xattrs.size !== now.xattrs.size ||
    [...before.xattrs].some(([name, value]) => {
      const other = now.xattrs.get(name)
      return other === undefined || Buffer.compare(value, other) !== 0
    })
  )
}
