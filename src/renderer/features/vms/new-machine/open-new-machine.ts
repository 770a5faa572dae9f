// SPDX-License-Identifier: Apache-2.0
import { create } from 'zustand'

/** Whether the dialog is open, and with which image. */
export const useNewMachine = create<{ readonly open: boolean; readonly image: string | undefined }>(
  () => ({ open: false, image: undefined }),
)

/** Opens the dialog; without an image it proposes one. */
export function openNewMachine(image?: string): void {
  useNewMachine.setState({ open: true, image })
}

export function closeNewMachine(): void {
  useNewMachine.setState({ open: false, image: undefined })
}
