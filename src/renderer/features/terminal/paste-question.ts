// SPDX-License-Identifier: Apache-2.0
// The paste the user is being asked about, if any.
import { create } from 'zustand'

export interface PasteQuestion {
  readonly text: string
  readonly paste: () => void
}

export const usePasteQuestion = create<{ readonly question: PasteQuestion | undefined }>(() => ({
  question: undefined,
}))

export function askPaste(question: PasteQuestion | undefined): void {
  usePasteQuestion.setState({ question })
}
