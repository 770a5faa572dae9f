// SPDX-License-Identifier: Apache-2.0
// What one can do with images, from wherever.
import { call } from '../../api/client'
import { runOperation } from '../../api/operations'
import type { ImageFacts } from '../../../contract/images'
import { navigate } from '../../app/route'
import { orToast, toastError, toastInfo } from '../../ui/toast-store'

/** Asks for a file or folder and imports it. undefined: dismissed or cancelled. Throws on failure. */
export async function importImage(kind: 'archive' | 'folder'): Promise<ImageFacts | undefined> {
  const image = await runOperation('import', 'Importing an image', (operationId) =>
    call('images.import', { operationId, kind }),
  )
  return image ?? undefined
}

/** The same from a menu: success and failure become toasts. */
export async function importInBackground(kind: 'archive' | 'folder'): Promise<void> {
  try {
    const image = await importImage(kind)
    if (image !== undefined) toastInfo(`${image.reference} is here`, showAction(image.reference))
  } catch (error) {
    toastError('The image was not imported', error)
  }
}

/** Pulls in the background; the bar at the bottom and the images page show how far it is. */
export async function pullInBackground(reference: string): Promise<void> {
  try {
    const image = await runOperation('pull', `Pulling ${reference}`, (operationId) =>
      call('images.pull', { reference, operationId }),
    )
    if (image !== undefined) toastInfo(`${image.reference} is here`, showAction(image.reference))
  } catch (error) {
    const again = { label: 'Try again', run: () => void pullInBackground(reference) }
    toastError(`${reference} was not pulled`, error, again)
  }
}

function showAction(reference: string): { label: string; run: () => void } {
  return { label: 'Show', run: () => navigate({ page: 'image', reference }) }
}

export function removeImage(reference: string): Promise<boolean> {
  return orToast(`${reference} was not deleted`, call('images.remove', { reference }))
}
