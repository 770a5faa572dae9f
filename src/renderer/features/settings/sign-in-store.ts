// SPDX-License-Identifier: Apache-2.0
// The question of who one is at a registry; asked in Settings, and wherever a registry has said no.
import { create } from 'zustand'

export interface SignInQuestion {
  /** Where, if that is known. */
  readonly registry?: string
  /** What goes on once one is signed in. */
  readonly after?: () => void
}

export const useSignIn = create<{ readonly question: SignInQuestion | undefined }>(() => ({
  question: undefined,
}))

export function askToSignIn(question: SignInQuestion): void {
  useSignIn.setState({ question })
}
