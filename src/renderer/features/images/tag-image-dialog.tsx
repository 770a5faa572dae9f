// SPDX-License-Identifier: Apache-2.0
import { useState, type ReactNode, type SubmitEvent } from 'react'
import { call } from '../../api/client'
import type { ImageView } from '../../../contract/images'
import { Button } from '../../ui/button'
import { Dialog } from '../../ui/dialog'
import { ErrorPanel } from '../../ui/feedback'
import { toastInfo } from '../../ui/toast-store'

interface TagImageDialogProps {
  readonly image: ImageView
  readonly onClose: () => void
}

/** Gives an image one more name. */
export function TagImageDialog({ image, onClose }: TagImageDialogProps): ReactNode {
  const [name, setName] = useState('')
  const [error, setError] = useState<unknown>()
  const wanted = name.trim()
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    if (wanted === '') return
    setError(undefined)
    try {
      const tagged = await call('images.tag', { reference: image.reference, name: wanted })
      onClose()
      toastInfo(`${image.reference} is ${tagged.reference}, too`)
    } catch (failure) {
      setError(failure)
    }
  }
  return (
    <Dialog title="Add a name" className="small-dialog" onClose={onClose}>
      <form className="dialog-form" onSubmit={(event) => void submit(event)}>
        <label className="form-field">
          One more name for {image.reference}
          <input
            type="text"
            value={name}
            placeholder="acme/web:1.4"
            spellCheck={false}
            maxLength={512}
            aria-invalid={error !== undefined}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <p className="fine">Nothing is copied. If another image has this name, it loses it.</p>
        {error !== undefined && <ErrorPanel title="No name was added" error={error} />}
        <div className="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" disabled={wanted === ''}>
            Add
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
