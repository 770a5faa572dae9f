// SPDX-License-Identifier: Apache-2.0
// Questions to the history of an image's files: what is in a folder, where does a path lead, what did
// a layer do. Pure. Paths have no leading slash; '' is the root.
import { MicrovmError } from '../../../contract/errors'
import type { FileChange, FileEntry, FileView } from '../../../contract/images'
import { changeBy, type HistoryNode, type ImageHistory, type Totals } from './browse-history'
import { quote } from '../digest'
import type { FsNode } from '../tree/fs-tree'

/** A name as a view shows it. */
interface Seen {
  readonly node: FsNode
  readonly layer: number
  readonly change: FileChange | undefined
}

/** As Linux has it (path_resolution(7)). */
const MAX_LINKS_FOLLOWED = 40

/** @throws NOT_FOUND for a layer the image does not have */
function checkView({ layers }: ImageHistory, { layer }: FileView): void {
  if (layer !== undefined && !(layer in layers))
    throw new MicrovmError('NOT_FOUND', `the image has no layer ${layer + 1}`)
}

/**
 * The names in a folder: folders first, each in the order of their code units.
 * @throws NOT_FOUND if the view shows no such folder
 */
export function listFolder(history: ImageHistory, view: FileView, path: string): HistoryNode[] {
  checkView(history, view)
  const folder = findPlace(history, path)
  const isRoot = folder === history.root
  if (folder === undefined || (!isRoot && seen(folder, view)?.node.type !== 'directory'))
    throw new MicrovmError('NOT_FOUND', `the image has no folder ${quote(path)}`)
  const folders: HistoryNode[] = []
  const others: HistoryNode[] = []
  for (const place of folder.children.values()) {
    const found = seen(place, view)
    if (found) (found.node.type === 'directory' ? folders : others).push(place)
  }
  return [...folders.sort(byName), ...others.sort(byName)]
}

/** A name as the view shows it; undefined if it does not. */
export function describe(place: HistoryNode, view: FileView): FileEntry | undefined {
  const found = seen(place, view)
  if (found === undefined) return undefined
  const { node, layer, change } = found
  const isFolder = node.type === 'directory'
  const below = isFolder && view.layer !== undefined ? changesBelow(place, view.layer) : undefined
  return {
    name: place.name,
    type: node.type,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    size: isFolder ? folderSize(place, view, change) : node.size,
    modifiedAt: node.mtime * 1000 + Math.floor(node.mtimeNs / 1e6),
    layer,
    ...(node.type === 'symlink' ? { target: node.target } : {}),
    ...(change ? { change } : {}),
    ...(below
      ? { below: { added: below.added, changed: below.changed, removed: below.removed } }
      : {}),
  }
}

/** Every name the view shows, with its path, folders before what is in them; in the layers' own order. */
export function* walkPlaces(
  { root }: ImageHistory,
  view: FileView,
): Generator<{ readonly path: string; readonly place: HistoryNode }, void> {
  const ahead = [{ path: '', place: root }]
  for (let at = ahead.pop(); at; at = ahead.pop()) {
    if (at.place !== root) yield at
    const prefix = at.path === '' ? '' : `${at.path}/`
    for (const place of at.place.children.values())
      if (seen(place, view)) ahead.push({ path: prefix + place.name, place })
  }
}

/** The name at a path, links not followed; undefined if no layer ever had it. */
function findPlace({ root }: ImageHistory, path: string): HistoryNode | undefined {
  let place: HistoryNode | undefined = root
  if (path !== '') for (const part of path.split('/')) place = place?.children.get(part)
  return place
}

/**
 * Where a path leads, links followed inside the image, the last one too.
 * @throws NOT_FOUND if the view shows nothing there
 */
export function followPath(
  history: ImageHistory,
  view: FileView,
  path: string,
): { readonly path: string; readonly node: FsNode } {
  checkView(history, view)
  const ahead = path.split('/').toReversed()
  let behind: HistoryNode[] = []
  let here = history.root
  for (let links = 0; ahead.length > 0;) {
    const part = ahead.pop()!
    if (part === '' || part === '.') continue
    if (part === '..') {
      here = behind.pop() ?? history.root
      continue
    }
    const next = here.children.get(part)
    const found = next && seen(next, view)
    if (next === undefined || found === undefined) throw leadsNowhere(path)
    if (found.node.type === 'symlink') {
      if (++links > MAX_LINKS_FOLLOWED) throw leadsNowhere(path)
      if (found.node.target.startsWith('/')) {
        behind = []
        here = history.root
      }
      ahead.push(...found.node.target.split('/').toReversed())
    } else {
      behind.push(here)
      here = next
    }
  }
  const found = seen(here, view)
  if (found === undefined) throw leadsNowhere(path)
  const names = [...behind, here].slice(1).map(({ name }) => name)
  return { path: names.join('/'), node: found.node }
}

function seen(place: HistoryNode, { layer, changesOnly }: FileView): Seen | undefined {
  const { versions } = place
  const newest = versions.at(-1)
  if (layer === undefined)
    return newest?.node && { node: newest.node, layer: newest.layer, change: undefined }
  const index = versions.findLastIndex((version) => version.layer <= layer)
  const version = versions[index]
  if (version === undefined) return undefined
  const change = version.layer === layer ? changeBy(place, layer) : undefined
  // One that this very layer removed is shown as it was.
  const node = change === 'removed' ? versions[index - 1]?.node : version.node
  if (node === undefined) return undefined
  const isQuiet = change === undefined && changesBelow(place, layer) === undefined
  return changesOnly === true && isQuiet ? undefined : { node, layer: version.layer, change }
}

function changesBelow({ totals }: HistoryNode, layer: number): Totals | undefined {
  return totals.findLast((total) => total.layer === layer)
}

function folderSize(
  { totals }: HistoryNode,
  { layer = Infinity }: FileView,
  change: FileChange | undefined,
): number {
  const until = change === 'removed' ? layer - 1 : layer
  return totals.findLast((total) => total.layer <= until)?.size ?? 0
}

const byName = (a: HistoryNode, b: HistoryNode): number => (a.name < b.name ? -1 : 1)

const leadsNowhere = (path: string): MicrovmError =>
  new MicrovmError('NOT_FOUND', `${quote(path)} leads to no file of the image`)
