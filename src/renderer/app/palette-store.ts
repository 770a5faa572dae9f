// SPDX-License-Identifier: Apache-2.0
import { create } from 'zustand'

export const usePalette = create<{ readonly open: boolean }>(() => ({ open: false }))

export function togglePalette(): void {
  usePalette.setState(({ open }) => ({ open: !open }))
}

export function closePalette(): void {
  usePalette.setState({ open: false })
}
