// SPDX-License-Identifier: Apache-2.0
// What can be asked about the files of one image. Runs where the image's history is held: in the
// thread of browse-worker.ts. Arguments have been checked, answers can be sent to another thread.
import type { FilePage, FileSearch, FileText, FileView, ImageFiles } from '../../../contract/images'
import { contentOf, readText, type FileContent } from './browse-content'
import type { HistoryNode, ImageHistory } from './browse-history'
import { describe, listFolder } from './browse-list'
import { searchFiles } from './browse-search'

/** An image in memory, and the folder lists asked for last: sorting a large one takes long. */
export interface BrowsedImage {
  readonly history: ImageHistory
  readonly lists: Map<string, readonly HistoryNode[]>
}

interface Place {
  readonly view: FileView
  readonly path: string
}

const LISTS_KEPT = 32
const MAX_MATCHES = 500
const MAX_TEXT_BYTES = 256 * 1024

export const browseQueries = {
  summary({ history }: BrowsedImage, _none: undefined): Omit<ImageFiles, 'digest'> {
    const { layers, entries, fileBytes, wastedBytes } = history
    return { layers, entries, fileBytes, wastedBytes }
  },

  list(image: BrowsedImage, args: Place & { offset: number; limit: number }): FilePage {
    const { view, path, offset, limit } = args
    const all = sortedList(image, view, path)
    const entries = all.slice(offset, offset + limit).map((place) => describe(place, view)!)
    return { total: all.length, entries }
  },

  /** Where in the list of each folder on its way a path is, from the root on; undefined if the view does not show it. */
  locate(image: BrowsedImage, { view, path }: Place): number[] | undefined {
    const parts = path.split('/')
    const indexes: number[] = []
    for (const [depth, part] of parts.entries()) {
      const folder = parts.slice(0, depth).join('/')
      const index = sortedList(image, view, folder).findIndex(({ name }) => name === part)
      if (index === -1) return undefined
      indexes.push(index)
    }
    return indexes
  },

  /** The first name from an index on, then from the top, that begins so (letters in either case). */
  seek(
    image: BrowsedImage,
    { view, path, prefix, from }: Place & { prefix: string; from: number },
  ): number | undefined {
    const wanted = prefix.toLowerCase()
    const list = sortedList(image, view, path)
    for (let step = 0; step < list.length; step++) {
      const index = (from + step) % list.length
      if (list[index]!.name.toLowerCase().startsWith(wanted)) return index
    }
    return undefined
  },

  search(
    { history }: BrowsedImage,
    { view, query }: { view: FileView; query: string },
    signal: AbortSignal,
  ): Promise<FileSearch> {
    return searchFiles(history, view, query, MAX_MATCHES, signal)
  },

  text({ history }: BrowsedImage, { view, path }: Place): Promise<FileText> {
    return readText(contentOf(history, view, path), MAX_TEXT_BYTES)
  },

  content({ history }: BrowsedImage, { view, path }: Place): FileContent {
    return contentOf(history, view, path)
  },
}

export type BrowseQuery = keyof typeof browseQueries
export type BrowseArgs<Q extends BrowseQuery> = Parameters<(typeof browseQueries)[Q]>[1]
export type BrowseResult<Q extends BrowseQuery> = Awaited<ReturnType<(typeof browseQueries)[Q]>>

function sortedList(image: BrowsedImage, view: FileView, path: string): readonly HistoryNode[] {
  const { layer, changesOnly } = view
  const key = `${layer ?? ''} ${changesOnly === true} ${path}`
  const list = image.lists.get(key) ?? listFolder(image.history, view, path)
  image.lists.delete(key)
  image.lists.set(key, list)
  if (image.lists.size > LISTS_KEPT) image.lists.delete(image.lists.keys().next().value!)
  return list
}
