// SPDX-License-Identifier: Apache-2.0
// What one can do with images, from wherever.
import { call } from '../../api/client'
import { runOperation } from '../../api/operations'
import { MicrovmError } from '../../../contract/errors'
import type { ExportFormat, ImageFacts } from '../../../contract/images'
import { openImage } from '../../app/route'
import { orToast, toastError, toastInfo, type Toast } from '../../ui/toast-store'
import { askToSignIn } from '../settings/sign-in-store'
import { registryOf } from './registry-of'

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
    toastError(`${reference} was not pulled`, error, remedyFor(reference, error))
  }
}

/** What may help, as a button: signing in where that was missing, and then the same again. */
function remedyFor(reference: string, error: unknown): NonNullable<Toast['action']> {
  const again = (): void => void pullInBackground(reference)
  if (MicrovmError.from(error).code !== 'REGISTRY_DENIED') return { label: 'Try again', run: again }
  const registry = registryOf(reference)
  return { label: 'Sign in…', run: () => askToSignIn({ registry, after: again }) }
}

/** Asks where, writes the image there; how it ended becomes a message. */
export async function exportImage(reference: string, format: ExportFormat): Promise<void> {
  try {
    const target = await runOperation('export', `Exporting ${reference}`, (operationId) =>
      call('images.export', { reference, format, operationId }),
    )
    if (target !== undefined && target !== null) toastInfo(`Exported to ${target}`)
  } catch (error) {
    toastError(`${reference} was not exported`, error)
  }
}

export function copyText(text: string): void {
  void orToast('Nothing was copied', call('app.writeClipboard', { text }))
}

function showAction(reference: string): { label: string; run: () => void } {
  return { label: 'Show', run: () => openImage(reference) }
}

export function removeImage(reference: string): Promise<boolean> {
  return orToast(`${reference} was not deleted`, call('images.remove', { reference }))
}
