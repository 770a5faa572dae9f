// SPDX-License-Identifier: Apache-2.0
// An image as a file at a place the user has chosen.
import type { ExportFormat } from '../../contract/images'
import type { Engine } from '../engine'
import { writeChosenFile } from '../lib/chosen-file'
import type { OperationContext } from './operations'

export interface ImageExport {
  readonly reference: string
  readonly format: ExportFormat
  /** Absolute. */
  readonly target: string
}

/** Written whole or not at all. @throws as `exportImage` and `writeChosenFile` */
export async function exportToFile(
  images: Pick<Engine['images'], 'exportImage'>,
  { reference, format, target }: ImageExport,
  { signal, onProgress }: OperationContext,
): Promise<void> {
  const message = `Exporting ${reference}`
  onProgress({ stage: 'image', message })
  let total = 0
  let done = 0
  const archive = await images.exportImage(reference, format, signal, (bytes) => (total = bytes))
  await writeChosenFile(target, signal, async (file) => {
    for await (const piece of archive) {
      signal.throwIfAborted()
      await file.writeFile(piece)
      done += piece.length
      if (total > 0) onProgress({ stage: 'image', message, fraction: Math.min(1, done / total) })
    }
  })
}

/** What such a file is called unless the user says otherwise: "worker-1.4.oci.tar". */
export function exportName(reference: string, format: ExportFormat): string {
  const name = reference.slice(reference.lastIndexOf('/') + 1).replace(/[:@]+/g, '-')
  return `${name.slice(0, 80)}.${format}.tar`
}
