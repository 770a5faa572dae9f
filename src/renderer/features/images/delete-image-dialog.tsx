// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { navigate, openMachine, useRoute } from '../../app/route'
import { Button } from '../../ui/button'
import { ConfirmDialog, Dialog } from '../../ui/dialog'
import { formatBytes, formatPlural } from '../../ui/format'
import { removeImage } from './image-actions'
import { useImages } from './image-store'
import { useImageUsers, type ImageUser } from './image-users'

interface DeleteImageDialogProps {
  readonly image: ImageView
  readonly onClose: () => void
}

/** Asks once, naming the image and what it frees; or says which machines need it. */
export function DeleteImageDialog({ image, onClose }: DeleteImageDialogProps): ReactNode {
  const { reference, digest } = image
  const users = useImageUsers(image)
  const names = useImages(({ list }) => list.filter((other) => other.digest === digest).length)
  if (names <= 1 && users.length > 0)
    return <InUseDialog image={image} users={users} onClose={onClose} />
  const confirm = (): void => {
    onClose()
    void removeImage(reference).then((removed) => {
      const { route } = useRoute.getState()
      if (removed && route.page === 'image' && route.reference === reference)
        navigate({ page: 'images' })
    })
  }
  return (
    <ConfirmDialog
      title={`Delete ${reference}?`}
      action="Delete"
      danger
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{names > 1 ? nameText(names - 1) : spaceText(image)}</p>
    </ConfirmDialog>
  )
}

const nameText = (others: number): string =>
  `Only this name goes: the image keeps ${formatPlural(others, 'other name')}, so no space is freed.`

function spaceText({ size, ownSize }: ImageView): string {
  const shared =
    ownSize < size
      ? `; the other ${formatBytes(size - ownSize)} are shared with images that stay`
      : ''
  return `This frees ${formatBytes(ownSize)}${shared}. It can be pulled or imported again.`
}

function InUseDialog({
  image: { reference },
  users,
  onClose,
}: DeleteImageDialogProps & { readonly users: readonly ImageUser[] }): ReactNode {
  const isOne = users.length === 1
  return (
    <Dialog title={`${reference} is in use`} className="confirm-dialog" onClose={onClose}>
      <div className="dialog-text">
        <p>
          {isOne ? 'A machine was made from it and needs it' : `${users.length} machines need it`}.
          Delete {isOne ? 'it' : 'them'} first:
        </p>
        <ul className="user-links">
          {users.map(({ id, name }) => (
            <li key={id}>
              <button
                type="button"
                className="link"
                onClick={() => {
                  onClose()
                  openMachine(id)
                }}
              >
                {name}
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  )
}
