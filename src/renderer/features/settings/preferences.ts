// SPDX-License-Identifier: Apache-2.0
// What the user prefers in this window, kept in localStorage.
import { z } from 'zod'
import { create } from 'zustand'
import { readStored, writeStored } from '../../ui/stored'

const KEY = 'preferences'
export const fontSizes = { min: 9, max: 24, usual: 13 } as const

const schema = z.object({
  /** Pixels. */
  terminalFontSize: z
    .number()
    .int()
    .min(fontSizes.min)
    .max(fontSizes.max)
    .catch(fontSizes.usual)
    .default(fontSizes.usual),
  /** Ask before several lines are pasted into a shell that would run them at once. */
  askBeforePaste: z.boolean().catch(true).default(true),
  /** Terminals keep a text for screen readers beside what they draw; costs speed. */
  screenReaderMode: z.boolean().catch(false).default(false),
})
export type Preferences = z.infer<typeof schema>

export const usePreferences = create<Preferences>(() => readStored(localStorage, KEY, schema))

export function setPreferences(patch: Partial<Preferences>): void {
  usePreferences.setState(patch)
  writeStored(localStorage, KEY, usePreferences.getState())
}
