// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from 'react'

const query = (): MediaQueryList => matchMedia('(prefers-color-scheme: dark)')

/** Hears the system's theme change; returns the function that stops it. */
export function onColorScheme(listener: () => void): () => void {
  const media = query()
  media.addEventListener('change', listener)
  return () => media.removeEventListener('change', listener)
}

/** The theme the system asks for now. */
export function colorScheme(): 'light' | 'dark' {
  return query().matches ? 'dark' : 'light'
}

/** The theme, for drawings that cannot use CSS (charts, terminals). */
export function useColorScheme(): 'light' | 'dark' {
  return useSyncExternalStore(onColorScheme, colorScheme)
}
