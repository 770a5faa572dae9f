// SPDX-License-Identifier: Apache-2.0
// The files of one image, asked of main: what its layers did, its tree, a file's text.
import { useCallback, useEffect, useMemo, useState } from 'react'
import { call } from '../../api/client'
import { callUntil, runOperation } from '../../api/operations'
import { MicrovmError } from '../../../contract/errors'
import type {
  FileEntry,
  FileSearch,
  FileText,
  FileView,
  ImageFiles,
} from '../../../contract/images'
import { toastError, toastInfo } from '../../ui/toast-store'
import { FileTree } from './file-tree'

/** An image, and the state of it one looks at. */
export interface Files {
  readonly digest: string
  readonly view: FileView
}

/** With the path that was asked for: a link, perhaps. */
export type AskedText = FileText & { readonly asked: string }

type Loaded<T> =
  | { readonly load: 'loading' }
  | { readonly load: 'failed'; readonly error: unknown }
  | { readonly load: 'ready'; readonly value: T }

const loading = { load: 'loading' } as const
/** More are not unfolded by themselves: about a screenful. */
const UNFOLDED_ROWS = 40
const UNFOLDED_ADDED = 12

/** What the layers of an image did. Reading them ends when nobody waits for it any more. */
export function useImageFiles(reference: string): Loaded<ImageFiles> {
  const ask = useCallback(
    (signal: AbortSignal) =>
      callUntil(signal, (operationId) => call('images.openFiles', { reference, operationId })),
    [reference],
  )
  return useAnswer(ask)
}

/** The beginning of a file. The last answer stays until the next one is there. */
export function useFileText({ digest, view }: Files, path: string): Loaded<AskedText> {
  const ask = useCallback(
    async () => ({ asked: path, ...(await call('images.readFile', { digest, view, path })) }),
    [digest, view, path],
  )
  return useAnswer(ask)
}

function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>(loading)
  useEffect(() => {
    const waiting = new AbortController()
    const { signal } = waiting
    ask(signal).then(
      (value) => !signal.aborted && setState({ load: 'ready', value }),
      (error: unknown) => !signal.aborted && setState({ load: 'failed', error }),
    )
    return () => waiting.abort()
  }, [ask])
  return state
}

/** The tree of a view, loaded; a selection made in the last view is kept where the new one has it. */
export function useFileTree({ digest, view }: Files, selected: { current: string }): FileTree {
  const tree = useMemo(
    () =>
      new FileTree({
        list: (path, offset, limit) =>
          call('images.listFiles', { digest, view, path, offset, limit }),
        locate: (path) => call('images.locateFile', { digest, view, path }),
        onError: (error) => toastError('The files could not be listed', error),
      }),
    [digest, view],
  )
  useEffect(() => {
    void load(tree, view, selected.current)
  }, [tree, view, selected])
  return tree
}

async function load(tree: FileTree, view: FileView, selected: string): Promise<void> {
  await tree.load()
  if (view.changesOnly === true) await tree.unfold(UNFOLDED_ROWS, isWorthUnfolding)
  if (selected !== '' && (await tree.reveal(selected))) return
  tree.select(0)
}

/** What a layer added whole is shown if it is little, what it removed whole is one line. */
function isWorthUnfolding({ change, below }: FileEntry): boolean {
  return change !== 'removed' && (change !== 'added' || (below?.added ?? 0) <= UNFOLDED_ADDED)
}

/** @returns undefined if a newer search has taken its place */
export async function searchFiles(
  { digest, view }: Files,
  query: string,
  signal: AbortSignal,
): Promise<FileSearch | undefined> {
  try {
    return await callUntil(signal, (operationId) =>
      call('images.searchFiles', { digest, view, query, operationId }),
    )
  } catch (error) {
    if (MicrovmError.from(error).code === 'CANCELLED') return undefined
    throw error
  }
}

/** Asks where, saves it there; how it ended becomes a message. */
export async function saveFile({ digest, view }: Files, path: string): Promise<void> {
  const name = path.slice(path.lastIndexOf('/') + 1)
  try {
    const target = await runOperation('save', `Saving ${name}`, (operationId) =>
      call('images.saveFile', { digest, view, path, operationId }),
    )
    if (target !== undefined && target !== null) toastInfo(`Saved ${target}`)
  } catch (error) {
    toastError(`${name} was not saved`, error)
  }
}
