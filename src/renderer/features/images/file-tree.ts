// SPDX-License-Identifier: Apache-2.0
// The rows of a file tree of which only a little is here: folders that are open, and of those the
// pages of names that were looked at last. Knows how many rows there are and what each is in time that
// depends on what is open, not on how many files there are. Draws nothing.
// Always holds: `rows` of a folder is its names plus the rows of the folders open in it.
import type { FileEntry, FilePage } from '../../../contract/images'

export interface TreeRow {
  readonly path: string
  /** From 0 in the root. */
  readonly depth: number
  /** Its place in its folder, from 0, and how many names that has. */
  readonly index: number
  readonly total: number
  /** undefined while its page is on the way. */
  readonly entry: FileEntry | undefined
  readonly open: boolean
}

export interface FileTreeDeps {
  list(path: string, offset: number, limit: number): Promise<FilePage>
  /** Where a path is, from the root on; null if it is not shown. */
  locate(path: string): Promise<readonly number[] | null>
  onError(error: unknown): void
}

interface Folder {
  readonly path: string
  readonly depth: number
  readonly parent: Folder | undefined
  /** Its place in the parent. */
  readonly index: number
  readonly total: number
  readonly pages: Map<number, readonly FileEntry[]>
  /** By their place. */
  readonly open: Folder[]
  rows: number
}

interface Spot {
  readonly folder: Folder
  readonly index: number
}

export const PAGE = 200
const PAGES_KEPT = 100
const REQUESTS_AT_A_TIME = 2

export class FileTree {
  readonly #deps: FileTreeDeps
  readonly #listeners = new Set<() => void>()
  /** Pages that are here or on the way, oldest first. */
  readonly #pages = new Map<string, { folder: Folder; page: number }>()
  #root: Folder | undefined
  #selected: Spot | undefined
  #wanted: readonly [number, number] = [0, 0]
  #requests = 0
  #version = 0

  constructor(deps: FileTreeDeps) {
    this.#deps = deps
  }

  /** Changes whenever anything else does. */
  get version(): number {
    return this.#version
  }

  /** Whether the root's names are known. */
  get ready(): boolean {
    return this.#root !== undefined
  }

  get rowCount(): number {
    return this.#root?.rows ?? 0
  }

  /** Of the selected row; -1 if none is. */
  get selectedRow(): number {
    return this.#selected === undefined ? -1 : rowOf(this.#selected)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async load(): Promise<void> {
    await this.#open('', 0, undefined, 0)
  }

  row(at: number): TreeRow | undefined {
    const spot = this.#spot(at)
    if (spot === undefined) return undefined
    const { folder, index } = spot
    const entry = entryAt(spot)
    return {
      path: joined(folder.path, entry?.name ?? `\0${index}`),
      depth: folder.depth,
      index,
      total: folder.total,
      entry,
      open: folder.open.some((child) => child.index === index),
    }
  }

  /** Has the names of these rows fetched; what was asked for before and is not under way is forgotten. */
  need(first: number, last: number): void {
    this.#wanted = [first, last]
    this.#fetchWanted()
  }

  select(at: number): void {
    this.#selected = this.#spot(at)
    this.#changed()
  }

  /** Folder and place of the selected row. */
  get selectedPlace(): { readonly path: string; readonly index: number } | undefined {
    return this.#selected && { path: this.#selected.folder.path, index: this.#selected.index }
  }

  /** Selects a name in an open folder. */
  selectIn(path: string, index: number): void {
    const folder = this.#folder(path)
    if (folder === undefined || index >= folder.total) return
    this.#selected = { folder, index }
    this.#changed()
  }

  async toggle(at: number): Promise<void> {
    const row = this.row(at)
    if (row?.entry?.type !== 'directory') return
    if (row.open) this.#close(row.path)
    else {
      const spot = this.#spot(at)!
      await this.#open(row.path, row.depth + 1, spot.folder, spot.index)
    }
  }

  /** Row of the folder that a row is in; undefined for those of the root. */
  parentRow(at: number): number | undefined {
    const folder = this.#spot(at)?.folder
    return folder?.parent && rowOf({ folder: folder.parent, index: folder.index })
  }

  /** Opens every folder on the way to a path and selects it; false if it is not shown. */
  async reveal(path: string): Promise<boolean> {
    try {
      const indexes = await this.#deps.locate(path)
      if (indexes === null || this.#root === undefined) return false
      const parts = path.split('/')
      let folder: Folder | undefined = this.#root
      for (const [depth, index] of indexes.slice(0, -1).entries()) {
        const inside = parts.slice(0, depth + 1).join('/')
        folder = this.#folder(inside) ?? (await this.#open(inside, depth + 1, folder, index))
        if (folder === undefined) return false
      }
      this.#selected = { folder, index: indexes.at(-1)! }
      this.#changed()
      return true
    } catch (error) {
      this.#deps.onError(error)
      return false
    }
  }

  /** Opens folders from the top on for which `wanted` holds, while there are no more rows than `most`. */
  async unfold(most: number, wanted: (entry: FileEntry) => boolean): Promise<void> {
    for (let at = 0; at < Math.min(this.rowCount, most); at++) {
      const row = this.row(at)
      if (row?.entry?.type !== 'directory' || row.open || !wanted(row.entry)) continue
      await this.toggle(at)
      if (this.rowCount > most) return
    }
  }

  async #open(
    path: string,
    depth: number,
    parent: Folder | undefined,
    index: number,
  ): Promise<Folder | undefined> {
    try {
      const { total, entries } = await this.#deps.list(path, 0, PAGE)
      const known = this.#folder(path)
      if (known) return known
      // What it is in has been closed meanwhile.
      if (parent !== undefined && this.#folder(parent.path) !== parent) return undefined
      const pages = new Map([[0, entries]])
      const folder = { path, depth, parent, index, total, pages, open: [], rows: 0 }
      if (parent === undefined) this.#root = folder
      else {
        parent.open.push(folder)
        parent.open.sort((a, b) => a.index - b.index)
      }
      this.#keep(folder, 0)
      addRows(folder, total)
      this.#changed()
      return folder
    } catch (error) {
      this.#deps.onError(error)
      return undefined
    }
  }

  #close(path: string): void {
    const folder = this.#folder(path)
    if (folder?.parent === undefined) return
    const { parent, index } = folder
    if (this.#selected && isInside(this.#selected.folder, folder))
      this.#selected = { folder: parent, index }
    addRows(parent, -folder.rows)
    parent.open.splice(parent.open.indexOf(folder), 1)
    for (const [key, kept] of this.#pages)
      if (isInside(kept.folder, folder)) this.#pages.delete(key)
    this.#changed()
  }

  #folder(path: string): Folder | undefined {
    let folder = this.#root
    while (folder && folder.path !== path)
      folder = folder.open.find(
        (child: Folder) => child.path === path || path.startsWith(`${child.path}/`),
      )
    return folder
  }

  #spot(at: number): Spot | undefined {
    let folder = this.#root
    let rest = at
    if (folder === undefined || at < 0 || at >= folder.rows) return undefined
    for (;;) {
      let before = 0
      let inside: Folder | undefined
      for (const child of folder.open) {
        const first = child.index + 1 + before
        if (rest < first) break
        if (rest < first + child.rows) {
          inside = child
          rest -= first
          break
        }
        before += child.rows
      }
      if (inside === undefined) return { folder, index: rest - before }
      folder = inside
    }
  }

  #fetchWanted(): void {
    const [first, last] = this.#wanted
    for (let at = first; at <= last && this.#requests < REQUESTS_AT_A_TIME; at++) {
      const spot = this.#spot(at)
      if (spot === undefined) return
      const page = Math.floor(spot.index / PAGE)
      if (entryAt(spot) !== undefined || this.#pages.has(keyOf(spot.folder, page))) continue
      void this.#fetch(spot.folder, page)
    }
  }

  async #fetch(folder: Folder, page: number): Promise<void> {
    this.#keep(folder, page)
    this.#requests++
    try {
      const { entries } = await this.#deps.list(folder.path, page * PAGE, PAGE)
      if (this.#pages.get(keyOf(folder, page))?.folder === folder) folder.pages.set(page, entries)
      this.#requests--
      this.#changed()
      this.#fetchWanted()
    } catch (error) {
      this.#requests--
      this.#pages.delete(keyOf(folder, page))
      this.#deps.onError(error)
    }
  }

  #keep(folder: Folder, page: number): void {
    this.#pages.set(keyOf(folder, page), { folder, page })
    if (this.#pages.size <= PAGES_KEPT) return
    const [key, oldest] = this.#pages.entries().next().value!
    this.#pages.delete(key)
    oldest.folder.pages.delete(oldest.page)
  }

  #changed(): void {
    this.#version++
    for (const listener of this.#listeners) listener()
  }
}

function addRows(folder: Folder, rows: number): void {
  for (let at: Folder | undefined = folder; at; at = at.parent) at.rows += rows
}

function rowOf({ folder, index }: Spot): number {
  let row = index
  for (const child of folder.open) if (child.index < index) row += child.rows
  return folder.parent === undefined
    ? row
    : row + 1 + rowOf({ folder: folder.parent, index: folder.index })
}

function isInside(folder: Folder, outer: Folder): boolean {
  return folder === outer || folder.path.startsWith(`${outer.path}/`)
}

const entryAt = ({ folder, index }: Spot): FileEntry | undefined =>
  folder.pages.get(Math.floor(index / PAGE))?.[index % PAGE]

const keyOf = (folder: Folder, page: number): string => `${page} ${folder.path}`

const joined = (folder: string, name: string): string =>
  folder === '' ? name : `${folder}/${name}`
