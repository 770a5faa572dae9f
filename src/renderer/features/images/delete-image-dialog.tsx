// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { ConfirmDialog } from '../../ui/dialog'
import { formatBytes } from '../../ui/format'
import { removeImage } from './image-actions'

interface DeleteImageDialogProps {
  readonly image: ImageView
  readonly onClose: () => void
  readonly onDeleted?: () => void
}

/** Asks once, naming the image and what it frees. */
export function DeleteImageDialog(props: DeleteImageDialogProps): ReactNode {
  const { reference, size, ownSize } = props.image
  const confirm = (): void => {
    props.onClose()
    void removeImage(reference).then((removed) => removed && props.onDeleted?.())
  }
  return (
    <ConfirmDialog
      title={`Delete ${reference}?`}
      action="Delete"
      danger
      onConfirm={confirm}
      onClose={props.onClose}
    >
      <p>
        This frees {formatBytes(ownSize)}
        {ownSize < size
          ? `; the other ${formatBytes(size - ownSize)} are shared with images that stay`
          : ''}
        . It can be pulled or imported again.
      </p>
    </ConfirmDialog>
  )
}
