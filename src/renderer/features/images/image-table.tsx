// SPDX-License-Identifier: Apache-2.0
import { useVirtualizer } from '@tanstack/react-virtual'
import { ContextMenu } from 'radix-ui'
import { useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { openImage } from '../../app/route'
import { moveSelection } from '../vms/machine-list'
import { launchImage } from '../vms/launch'
import { askAboutImage } from './image-dialogs'
import type { ImageSort, ImageSortColumn } from './image-list'
import { ImageMenu } from './image-menu'
import { ImageRow, imageRowId } from './image-row'

const ROW_HEIGHT = 38

interface ImageTableProps {
  readonly images: readonly ImageView[]
  readonly sort: ImageSort
  readonly onSort: (sort: ImageSort) => void
}

/** One row per image, of which only those in sight exist. The table has the keys for the selected one. */
export function ImageTable({ images, sort, onSort }: ImageTableProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const [selected, setSelected] = useState('')
  const at = images.findIndex(({ reference }) => reference === selected)
  const rows = useVirtualizer({
    count: images.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  })
  const select = (index: number): void => {
    setSelected(images[index]?.reference ?? '')
    rows.scrollToIndex(index)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT)
    const target = isPlain(event) && moveSelection(event.key, at, images.length, page)
    if (typeof target === 'number') select(target)
    else if (!actByKey(event, images[at], scroller.current)) return
    event.preventDefault()
  }
  return (
    <div
      className="table images"
      role="grid"
      aria-label="Images"
      aria-rowcount={images.length + 1}
      aria-activedescendant={at >= 0 ? imageRowId(at) : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <ImageTableHead sort={sort} onSort={onSort} />
      <div className="table-body" ref={scroller} role="rowgroup" tabIndex={-1}>
        <ContextMenu.Root modal={false}>
          <ContextMenu.Trigger asChild>
            <div className="table-rows" role="presentation" style={{ height: rows.getTotalSize() }}>
              {rows.getVirtualItems().map(({ index, start }) => {
                const image = images[index]
                if (image === undefined) return null
                return (
                  <ImageRow
                    key={image.reference}
                    image={image}
                    at={index}
                    top={start}
                    selected={index === at}
                    onSelect={setSelected}
                    onShow={openImage}
                    onDelete={askToDelete}
                  />
                )
              })}
            </div>
          </ContextMenu.Trigger>
          <RowMenu image={images[at]} />
        </ContextMenu.Root>
      </div>
    </div>
  )
}

const askToDelete = (image: ImageView): void => askAboutImage('delete', image)

/** One menu for all rows: a right click selects its row first. */
function RowMenu({ image }: { readonly image: ImageView | undefined }): ReactNode {
  if (image === undefined) return null
  return (
    <ContextMenu.Portal>
      <ContextMenu.Content className="menu" aria-label={`Actions of ${image.reference}`}>
        <ImageMenu image={image} menu={ContextMenu} inList />
      </ContextMenu.Content>
    </ContextMenu.Portal>
  )
}

/** Keys on a button inside are the button's. */
function isPlain(event: KeyboardEvent): boolean {
  if (event.target !== event.currentTarget) return false
  return !event.ctrlKey && !event.metaKey && !event.altKey
}

/** @returns whether the key was one of the selected image's */
function actByKey(
  event: KeyboardEvent,
  image: ImageView | undefined,
  body: HTMLElement | null,
): boolean {
  if (image === undefined || event.target !== event.currentTarget) return false
  if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) openMenu(body)
  else if (!isPlain(event)) return false
  else if (event.key === 'Enter') openImage(image.reference)
  else if (event.key.toLowerCase() === 'l') void launchImage(image.reference)
  else if (event.key === 'Delete' && !image.builtIn) askToDelete(image)
  else return false
  return true
}

/** The table has the focus, so the browser would open the menu at the table and not at the selected row. */
function openMenu(body: HTMLElement | null): void {
  const row = body?.querySelector('[role=row][aria-selected=true]')
  if (!row) return
  const { left, bottom } = row.getBoundingClientRect()
  const at = { clientX: left + 40, clientY: bottom - 8 }
  row.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, ...at }))
}

const columns: readonly {
  readonly title: string
  readonly cell: string
  readonly sort?: ImageSortColumn
}[] = [
  { title: 'Image', cell: 'reference', sort: 'reference' },
  { title: 'Size', cell: 'size', sort: 'size' },
  { title: 'Own', cell: 'own', sort: 'own' },
  { title: 'Layers', cell: 'layers', sort: 'layers' },
  { title: 'Used by', cell: 'users' },
  { title: 'Last used', cell: 'used', sort: 'used' },
]

function ImageTableHead({ sort, onSort }: Omit<ImageTableProps, 'images'>): ReactNode {
  return (
    <div className="table-head" role="rowgroup">
      <div className="image-grid" role="row" aria-rowindex={1}>
        {columns.map(({ title, cell, sort: column }) => {
          if (column === undefined)
            return (
              <span key={title} role="columnheader" className={`cell-${cell}`}>
                {title}
              </span>
            )
          const active = sort.column === column
          const descending = active && !sort.descending
          return (
            <span
              key={title}
              role="columnheader"
              className={`cell-${cell}`}
              aria-sort={active ? (sort.descending ? 'descending' : 'ascending') : 'none'}
            >
              <button type="button" className="sort" onClick={() => onSort({ column, descending })}>
                {title}
                {active && <span aria-hidden>{sort.descending ? ' ↓' : ' ↑'}</span>}
              </button>
            </span>
          )
        })}
        <span role="columnheader" className="hidden-text">
          Actions
        </span>
      </div>
    </div>
  )
}
