// SPDX-License-Identifier: Apache-2.0
import { memo, type ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { useTimeText } from '../../ui/clock'
import { formatAgo, formatBytes } from '../../ui/format'
import { launchImage } from '../vms/launch'
import { openMachine, type ImageTab } from '../../app/route'
import { useImageUsers } from './image-users'
import { ReferenceText } from './reference-text'

interface ImageRowProps {
  readonly image: ImageView
  readonly at: number
  /** Pixels from the top of the table's body. */
  readonly top: number
  readonly selected: boolean
  readonly onSelect: (reference: string) => void
  readonly onShow: (reference: string, tab?: ImageTab) => void
  readonly onDelete: (image: ImageView) => void
}

export const imageRowId = (at: number): string => `image-row-${at}`

/** One image. Redrawn when it or its place changes. */
export const ImageRow = memo(function ImageRow(props: ImageRowProps): ReactNode {
  const { image, at, onSelect, onShow } = props
  const { reference, builtIn, lastUsedAt } = image
  const used = useTimeText((now) =>
    lastUsedAt === undefined ? 'never' : formatAgo(lastUsedAt, now),
  )
  return (
    // The keys are the table's.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      id={imageRowId(at)}
      className="table-row image-grid"
      role="row"
      aria-rowindex={at + 2}
      aria-selected={props.selected}
      data-testid={`image-${reference}`}
      style={{ transform: `translateY(${props.top}px)` }}
      onMouseDown={() => onSelect(reference)}
      onContextMenu={() => onSelect(reference)}
      onDoubleClick={() => onShow(reference)}
    >
      <span role="gridcell" className="cell-reference cut">
        <button
          type="button"
          className="name-link"
          aria-label={reference}
          onClick={() => onShow(reference)}
        >
          <ReferenceText reference={reference} />
        </button>
        {builtIn && <span className="tag">built in</span>}
      </span>
      <span role="gridcell" className="cell-size">
        {formatBytes(image.size)}
      </span>
      <span
        role="gridcell"
        className="cell-own"
        title="Only this image has it: what deleting would free"
      >
        {formatBytes(image.ownSize)}
      </span>
      <span role="gridcell" className="cell-layers">
        {image.layers.length}
      </span>
      <span role="gridcell" className="cell-users cut">
        <Users image={image} onShow={onShow} />
      </span>
      <span role="gridcell" className="cell-used">
        {used}
      </span>
      <span role="gridcell" className="cell-actions">
        <ImageRowActions image={image} onDelete={props.onDelete} />
      </span>
    </div>
  )
})

/** One machine by its name, several by their number. */
function Users({ image, onShow }: Pick<ImageRowProps, 'image' | 'onShow'>): ReactNode {
  const users = useImageUsers(image)
  const [first, second] = users
  if (first === undefined) return null
  const names = users.map(({ name }) => name).join(', ')
  return (
    <button
      type="button"
      className="link cut"
      title={names}
      tabIndex={-1}
      onClick={() =>
        second === undefined ? openMachine(first.id) : onShow(image.reference, 'users')
      }
    >
      {second === undefined ? first.name : `${users.length} machines`}
    </button>
  )
}

function ImageRowActions({
  image,
  onDelete,
}: Pick<ImageRowProps, 'image' | 'onDelete'>): ReactNode {
  const { reference, builtIn } = image
  return (
    <>
      {!builtIn && (
        <button
          type="button"
          className="row-action"
          aria-label={`Delete ${reference}`}
          onClick={() => onDelete(image)}
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
