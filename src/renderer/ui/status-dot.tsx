// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'

/** 'off' is a ring; the others are filled. The word beside it carries the meaning, not the colour. */
export type Tone = 'good' | 'busy' | 'bad' | 'off'

/** A state at a glance; hidden from screen readers, as the word beside it says the same. */
export function StatusDot(props: { readonly tone: Tone }): ReactNode {
  return <span className={`dot dot-${props.tone}`} aria-hidden />
}
