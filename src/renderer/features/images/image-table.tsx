// SPDX-License-Identifier: Apache-2.0
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { navigate } from '../../app/route'
import { moveSelection } from '../vms/machine-list'
import { launchImage } from '../vms/launch'
import { DeleteImageDialog } from './delete-image-dialog'
import type { ImageSort, ImageSortColumn } from './image-list'
import { ImageRow, imageRowId } from './image-row'

const ROW_HEIGHT = 38

interface ImageTableProps {
  readonly images: readonly ImageView[]
  readonly sort: ImageSort
  readonly onSort: (sort: ImageSort) => void
}

const showImage = (reference: string): void => navigate({ page: 'image', reference })

/** One row per image, of which only those in sight exist. The table has the keys for the selected one. */
export function ImageTable({ images, sort, onSort }: ImageTableProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const [deleting, setDeleting] = useState<ImageView | undefined>(undefined)
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
    else if (!actByKey(event, images[at], setDeleting)) return
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
                onShow={showImage}
                onDelete={setDeleting}
              />
            )
          })}
        </div>
      </div>
      {deleting !== undefined && (
        <DeleteImageDialog image={deleting} onClose={() => setDeleting(undefined)} />
      )}
    </div>
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
  remove: (image: ImageView) => void,
): boolean {
  if (image === undefined || !isPlain(event)) return false
  if (event.key === 'Enter') showImage(image.reference)
  else if (event.key.toLowerCase() === 'l') void launchImage(image.reference)
  else if (event.key === 'Delete' && !image.builtIn) remove(image)
  else return false
  return true
}

const columns: readonly { readonly title: string; readonly sort: ImageSortColumn }[] = [
  { title: 'Image', sort: 'reference' },
  { title: 'Size', sort: 'size' },
  { title: 'Own', sort: 'own' },
  { title: 'Layers', sort: 'layers' },
  { title: 'Last used', sort: 'used' },
]

function ImageTableHead({ sort, onSort }: Omit<ImageTableProps, 'images'>): ReactNode {
  return (
    <div className="table-head" role="rowgroup">
      <div className="image-grid" role="row" aria-rowindex={1}>
        {columns.map(({ title, sort: column }) => {
          const active = sort.column === column
          const descending = active && !sort.descending
          return (
            <span
              key={title}
              role="columnheader"
              className={`cell-${column}`}
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
