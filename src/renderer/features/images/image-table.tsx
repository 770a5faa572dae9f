// SPDX-License-Identifier: Apache-2.0
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, useState, type ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { navigate } from '../../app/route'
import { useTimeText } from '../../ui/clock'
import { formatAgo, formatBytes } from '../../ui/format'
import { launchImage } from '../vms/launch'
import { DeleteImageDialog } from './delete-image-dialog'

const ROW_HEIGHT = 38
const titles = ['Image', 'Size', 'Own', 'Layers', 'Platform', 'Last used', 'Created']

/** One row per image; only rows in sight exist. */
export function ImageTable({ images }: { readonly images: readonly ImageView[] }): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const [deleting, setDeleting] = useState<ImageView | undefined>(undefined)
  const rows = useVirtualizer({
    count: images.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  })
  return (
    <div
      className="table images"
      role="table"
      aria-label="Images"
      aria-rowcount={images.length + 1}
    >
      <ImageTableHead />
      <div className="table-body" ref={scroller} role="rowgroup">
        <div className="table-rows" role="presentation" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const image = images[index]
            if (image === undefined) return null
            return (
              <div
                key={image.reference}
                className="table-row image-grid"
                role="row"
                aria-rowindex={index + 2}
                data-testid={`image-${image.reference}`}
                style={{ transform: `translateY(${start}px)` }}
                onDoubleClick={() => navigate({ page: 'image', reference: image.reference })}
              >
                <ImageCells image={image} onDelete={() => setDeleting(image)} />
              </div>
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

function ImageTableHead(): ReactNode {
  return (
    <div className="table-head" role="rowgroup">
      <div className="image-grid" role="row" aria-rowindex={1}>
        {titles.map((title) => (
          <span
            key={title}
            role="columnheader"
            className={`cell-${title.toLowerCase().replace(' ', '-')}`}
          >
            {title}
          </span>
        ))}
        <span role="columnheader" className="hidden-text">
          Actions
        </span>
      </div>
    </div>
  )
}

interface ImageCellsProps {
  readonly image: ImageView
  readonly onDelete: () => void
}

function ImageCells({ image, onDelete }: ImageCellsProps): ReactNode {
  const { reference, builtIn, lastUsedAt, createdAt } = image
  const used = useTimeText((now) =>
    lastUsedAt === undefined ? 'never' : formatAgo(lastUsedAt, now),
  )
  const created = useTimeText((now) => (createdAt === undefined ? '' : formatAgo(createdAt, now)))
  return (
    <>
      <span role="cell" className="cell-image cut">
        <button
          type="button"
          className="name-link"
          title={reference}
          onClick={() => navigate({ page: 'image', reference })}
        >
          {reference}
        </button>
        {builtIn && <span className="tag">built in</span>}
      </span>
      <span role="cell" className="cell-size">
        {formatBytes(image.size)}
      </span>
      <span
        role="cell"
        className="cell-own"
        title="Only this image has it: what deleting would free"
      >
        {formatBytes(image.ownSize)}
      </span>
      <span role="cell" className="cell-layers">
        {image.layers.length}
      </span>
      <span role="cell" className="cell-platform cut">
        {image.platform}
      </span>
      <span role="cell" className="cell-last-used">
        {used}
      </span>
      <span role="cell" className="cell-created">
        {created}
      </span>
      <span role="cell" className="cell-actions">
        <ImageRowActions image={image} onDelete={onDelete} />
      </span>
    </>
  )
}

function ImageRowActions({ image, onDelete }: ImageCellsProps): ReactNode {
  const { reference } = image
  return (
    <>
      {!image.builtIn && (
        <button
          type="button"
          className="row-action"
          aria-label={`Delete ${reference}`}
          onClick={onDelete}
        >
          Delete
        </button>
      )}
      <button
        type="button"
        className="row-action main"
        aria-label={`Launch ${reference}`}
        onClick={() => void launchImage(reference)}
      >
        Launch
      </button>
    </>
  )
}
