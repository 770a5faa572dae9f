// SPDX-License-Identifier: Apache-2.0
// A list of files in columns, of which only the rows in sight exist. Has the focus for all of its rows.
import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import type { FileEntry } from '../../../contract/images'
import { moveSelection } from '../vms/machine-list'
import { FILE_ROW_HEIGHT, FileRow, fileRowId } from './file-row'

export interface ListedFile {
  readonly path: string
  readonly folder?: string
  readonly depth: number
  readonly index: number
  readonly total: number
  readonly entry: FileEntry | undefined
  readonly open: boolean
}

interface FileListProps {
  readonly label: string
  readonly role: 'treegrid' | 'grid'
  readonly count: number
  readonly row: (at: number) => ListedFile | undefined
  readonly selected: number
  readonly isLayer: boolean
  readonly onSelect: (at: number) => void
  /** Enter or a double click. */
  readonly onOpen: (at: number) => void
  readonly onTwist?: (at: number) => void
  /** Keys that neither move nor open; true if it was used. */
  readonly onKey?: (event: KeyboardEvent) => boolean
  /** Rows in sight, whenever they change. */
  readonly onSight?: (first: number, last: number) => void
}

export function FileList(props: FileListProps): ReactNode {
  const { count, selected, onSight } = props
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => FILE_ROW_HEIGHT,
    overscan: 6,
  })
  const items = rows.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? -1
  useEffect(() => onSight?.(first, last))
  const height = rows.scrollRect?.height ?? 0
  useEffect(() => {
    // Also when there is less room than before.
    if (selected >= 0 && height > 0) rows.scrollToIndex(selected)
  }, [rows, selected, height])
  return (
    // It is a grid or a tree of one.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className="file-list"
      role={props.role}
      aria-label={props.label}
      aria-rowcount={count}
      aria-activedescendant={selected >= 0 ? fileRowId(selected) : undefined}
      tabIndex={0}
      data-testid="file-list"
      data-scrolls={count * FILE_ROW_HEIGHT > height}
      onKeyDown={(event) => onKeyDown(event, props, height)}
    >
      <FileListHead isLayer={props.isLayer} />
      <div className="table-body" ref={scroller} role="rowgroup" tabIndex={-1}>
        <FileRows {...props} items={items} height={rows.getTotalSize()} />
      </div>
    </div>
  )
}

/** @param height of the list, in pixels */
function onKeyDown(event: KeyboardEvent, props: FileListProps, height: number): void {
  const { count, selected } = props
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey
  const page = Math.floor(height / FILE_ROW_HEIGHT)
  const target = isPlain ? moveSelection(event.key, selected, count, page) : undefined
  if (target !== undefined) props.onSelect(target)
  else if (isPlain && event.key === 'Enter' && selected >= 0) props.onOpen(selected)
  else if (props.onKey?.(event) !== true) return
  event.preventDefault()
}

interface FileRowsProps extends FileListProps {
  readonly items: readonly VirtualItem[]
  readonly height: number
}

function FileRows({ items, height, row, selected, isLayer, ...actions }: FileRowsProps): ReactNode {
  const latest = useLatest({
    press(at, part) {
      actions.onSelect(at)
      if (part === 'twist') actions.onTwist?.(at)
    },
    open: actions.onOpen,
  })
  return (
    <div className="table-rows" role="presentation" style={{ height }}>
      {items.map(({ index, start }) => {
        const file = row(index)
        if (file === undefined) return null
        const { path, ...rest } = file
        return (
          <FileRow
            key={path}
            {...rest}
            at={index}
            top={start}
            selected={index === selected}
            isLayer={isLayer}
            onPress={latest.press}
            onOpen={latest.open}
          />
        )
      })}
    </div>
  )
}

function FileListHead({ isLayer }: { readonly isLayer: boolean }): ReactNode {
  return (
    <div className="table-head" role="rowgroup">
      <div className="file-grid" role="row">
        <span role="columnheader">Name</span>
        <span role="columnheader" className="file-size">
          Size
        </span>
        <span role="columnheader" className="file-change">
          {isLayer ? 'Change' : 'From'}
        </span>
        <span role="columnheader" className="file-mode">
          Mode, owner
        </span>
      </div>
    </div>
  )
}

interface Actions {
  press(at: number, part: 'row' | 'twist'): void
  open(at: number): void
}

/** The same functions for ever, which do what the latest ones do: rows need not be drawn anew. */
function useLatest(actions: Actions): Actions {
  const latest = useRef(actions)
  useEffect(() => {
    latest.current = actions
  })
  const [stable] = useState<Actions>(() => ({
    press: (at, part) => latest.current.press(at, part),
    open: (at) => latest.current.open(at),
  }))
  return stable
}
