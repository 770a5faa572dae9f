// SPDX-License-Identifier: Apache-2.0
import {
  useCallback,
  useRef,
  useSyncExternalStore,
  type KeyboardEvent,
  type ReactNode,
} from 'react'
import { call } from '../../api/client'
import { toastError } from '../../ui/toast-store'
import { FileList } from './file-list'
import type { FileTree } from './file-tree'
import { saveFile, type Files } from './image-files'

interface FileTreeViewProps {
  readonly files: Files
  readonly tree: FileTree
  readonly label: string
  /** A file is to be looked at. */
  readonly onView: (path: string) => void
  /** Another row is selected: its path, if it is a file. */
  readonly onSelect: (path: string, isFile: boolean) => void
  readonly onEscape: () => void
}

/** Letters typed within this time belong together. */
const TYPING_MS = 700

/** Folders that open, by arrows and by the letters their names begin with. */
export function FileTreeView(props: FileTreeViewProps): ReactNode {
  const { files, tree, onSelect } = props
  useSyncExternalStore(tree.subscribe, () => tree.version)
  const typeAhead = useTypeAhead(files, tree)
  const select = (at: number): void => {
    tree.select(at)
    const row = tree.row(at)
    if (row?.entry !== undefined) onSelect(row.path, row.entry.type === 'file')
  }
  const open = (at: number): void => {
    const row = tree.row(at)
    if (row?.entry?.type === 'directory') void tree.toggle(at)
    else if (row?.entry !== undefined) props.onView(row.path)
  }
  const onKey = (event: KeyboardEvent): boolean => {
    const at = tree.selectedRow
    const row = tree.row(at)
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== 's' || row?.entry?.type !== 'file') return false
      void saveFile(files, row.path)
    } else if (event.key === 'ArrowRight') {
      if (row?.open === true) select(Math.min(at + 1, tree.rowCount - 1))
      else void tree.toggle(at)
    } else if (event.key === 'ArrowLeft') {
      if (row?.open === true) void tree.toggle(at)
      else select(tree.parentRow(at) ?? at)
    } else if (event.key === 'Escape') props.onEscape()
    else if (/^\S$/u.test(event.key)) typeAhead(event.key)
    else return false
    return true
  }
  return (
    <FileList
      label={props.label}
      role="treegrid"
      count={tree.rowCount}
      row={(at) => tree.row(at)}
      selected={tree.selectedRow}
      isLayer={files.view.layer !== undefined}
      onSelect={select}
      onOpen={open}
      onTwist={(at) => void tree.toggle(at)}
      onKey={onKey}
      onSight={useCallback((first: number, last: number) => tree.need(first, last), [tree])}
    />
  )
}

/** Selects the next name in the selected one's folder that begins with what is typed. */
function useTypeAhead({ digest, view }: Files, tree: FileTree): (letter: string) => void {
  const typed = useRef({ text: '', at: 0 })
  return (letter) => {
    const place = tree.selectedPlace
    if (place === undefined) return
    const now = performance.now()
    const isNew = now - typed.current.at > TYPING_MS
    const prefix = (isNew ? '' : typed.current.text) + letter
    typed.current = { text: prefix, at: now }
    const { path, index } = place
    // A first letter goes on to the next one that has it.
    const from = isNew ? index + 1 : index
    call('images.seekFile', { digest, view, path, prefix, from }).then(
      (found) => found !== null && tree.selectIn(path, found),
      (error: unknown) => toastError('The files could not be searched', error),
    )
  }
}
