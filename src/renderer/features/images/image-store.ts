// SPDX-License-Identifier: Apache-2.0
// The images on this computer, as main lists them; asked anew whenever main says they changed.
import { create } from 'zustand'
import { call, on } from '../../api/client'
import type { ImageView } from '../../../contract/images'

interface ImagesState {
  readonly load: 'loading' | 'ready' | 'failed'
  readonly error: unknown
  readonly list: readonly ImageView[]
}

export const useImages = create<ImagesState>(() => ({
  load: 'loading',
  error: undefined,
  list: [],
}))

export async function loadImages(): Promise<void> {
  try {
    useImages.setState({ load: 'ready', error: undefined, list: await call('images.list') })
  } catch (error) {
    useImages.setState({ load: 'failed', error })
  }
}

/** Starts hearing changes; called once, at start. */
export function followImages(): void {
  on('images.changed', () => void loadImages())
}
