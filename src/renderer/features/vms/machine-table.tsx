// SPDX-License-Identifier: Apache-2.0
import {
  defaultRangeExtractor,
  useVirtualizer,
  type Range,
  type Virtualizer,
} from '@tanstack/react-virtual'
import { ContextMenu } from 'radix-ui'
import {
  memo,
  useCallback,
  useEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from 'react'
import { openMachine } from '../../app/route'
import { openShell } from '../terminal/terminal-store'
import { moveSelection, type Sort, type SortColumn } from './machine-list'
import { MachineMenu } from './machine-menu'
import { MachineRow } from './machine-row'
import { actionForKey, runAction } from './vm-actions'
import { useVms } from './vm-store'

const ROW_HEIGHT = 38

interface MachineTableProps {
  readonly ids: readonly string[]
  readonly sort: Sort
  readonly onSort: (sort: Sort) => void
}

/** A grid of one row per machine. One row is selected and takes the keys; only rows in sight exist. */
export function MachineTable({ ids, sort, onSort }: MachineTableProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const [selected, setSelected] = useState(ids[0])
  const index = Math.max(0, ids.indexOf(selected ?? ''))
  const rows = useRows(scroller, ids, index)
  const onKeyDown = useTableKeys({ ids, index, rows, select: setSelected })
  return (
    <div
      className="table machines"
      role="grid"
      aria-label="Machines"
      aria-rowcount={ids.length + 1}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <Header sort={sort} onSort={onSort} />
      <div className="table-body" ref={scroller} role="rowgroup">
        <ContextMenu.Root modal={false}>
          <ContextMenu.Trigger asChild>
            <div className="table-rows" role="presentation" style={{ height: rows.getTotalSize() }}>
              {rows.getVirtualItems().map((item) => (
                <MachineRow
                  key={item.key}
                  id={ids[item.index] ?? ''}
                  rowIndex={item.index}
                  top={item.start}
                  selected={item.index === index}
                  onSelect={setSelected}
                />
              ))}
            </div>
          </ContextMenu.Trigger>
          {/* One menu for all rows: a right click selects its row first. */}
          <MachineMenu id={ids[index] ?? ''} />
        </ContextMenu.Root>
      </div>
    </div>
  )
}

type Rows = Virtualizer<HTMLDivElement, Element>

/** The rows to draw: those in sight and, wherever it is, the selected one, which holds the focus. */
function useRows(
  scroller: React.RefObject<HTMLDivElement | null>,
  ids: readonly string[],
  selected: number,
): Rows {
  const rangeExtractor = useCallback(
    (range: Range) => {
      const inSight = defaultRangeExtractor(range)
      return inSight.includes(selected) ? inSight : [...inSight, selected].toSorted((a, b) => a - b)
    },
    [selected],
  )
  // Kept the same while the ids are: another function would make it measure all rows anew.
  const getItemKey = useCallback((index: number) => ids[index] ?? index, [ids])
  return useVirtualizer({
    count: ids.length,
    getItemKey,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    rangeExtractor,
  })
}

interface TableKeys {
  readonly ids: readonly string[]
  readonly index: number
  readonly rows: Rows
  readonly select: (id: string) => void
}

function useTableKeys({ ids, index, rows, select }: TableKeys): (event: KeyboardEvent) => void {
  const focusNext = useRef(false)
  useEffect(() => {
    if (!focusNext.current) return
    focusNext.current = false
    rows.scrollElement?.querySelector<HTMLElement>('[role=row][aria-selected=true]')?.focus()
  })
  return (event) => {
    // Keys on a button inside the row are the button's.
    if (!(event.target instanceof HTMLElement) || event.target.role !== 'row') return
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.floor((rows.scrollElement?.clientHeight ?? 0) / ROW_HEIGHT)
    const target = moveSelection(event.key, index, ids.length, page)
    const id = ids[target ?? index]
    if (id === undefined) return
    if (target !== undefined) {
      focusNext.current = true
      select(id)
      rows.scrollToIndex(target)
    } else if (event.key === 'Enter') openMachine(id)
    else if (!actByKey(event.key, id)) return
    event.preventDefault()
  }
}

function actByKey(key: string, id: string): boolean {
  const vm = useVms.getState().byId[id]
  const action = vm === undefined ? undefined : actionForKey(key, vm)
  if (vm === undefined || action === undefined) return false
  runAction(vm, action, openShell)
  return true
}

const columns: readonly { readonly title: string; readonly sort?: SortColumn }[] = [
  { title: 'Machine', sort: 'name' },
  { title: 'State', sort: 'state' },
  { title: 'Image', sort: 'image' },
  { title: 'CPU' },
  { title: 'Memory' },
  { title: 'Ports' },
  { title: 'Since', sort: 'since' },
]

const Header = memo(function Header(props: Omit<MachineTableProps, 'ids'>): ReactNode {
  const { sort, onSort } = props
  return (
    <div className="table-head" role="rowgroup">
      <div className="machine-grid" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <HeaderCell key={column.title} {...column} now={sort} onSort={onSort} />
        ))}
        <span role="columnheader" className="hidden-text">
          Actions
        </span>
      </div>
    </div>
  )
})

interface HeaderCellProps {
  readonly title: string
  readonly sort?: SortColumn
  readonly now: Sort
  readonly onSort: (sort: Sort) => void
}

function HeaderCell({ title, sort, now, onSort }: HeaderCellProps): ReactNode {
  const className = `cell-${title.toLowerCase()}`
  if (sort === undefined)
    return (
      <span role="columnheader" className={className}>
        {title}
      </span>
    )
  const active = now.column === sort
  const descending = active && !now.descending
  return (
    <span
      role="columnheader"
      className={className}
      aria-sort={active ? (now.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" className="sort" onClick={() => onSort({ column: sort, descending })}>
        {title}
        {active && <span aria-hidden>{now.descending ? ' ↓' : ' ↑'}</span>}
      </button>
    </span>
  )
}
