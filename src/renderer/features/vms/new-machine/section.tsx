// SPDX-License-Identifier: Apache-2.0
import { Collapsible } from 'radix-ui'
import { useState, type ReactNode } from 'react'
import { ChevronRightIcon } from '../../../ui/icons'

interface SectionProps {
  readonly title: string
  /** What it holds, in a few words: shown at the right, folded or not. */
  readonly summary: string
  readonly children: ReactNode
  /** Something in it is wrong: it shows even when folded. */
  readonly wrong: boolean
}

/** A part of the dialog that is folded until it is wanted. */
export function Section({ title, summary, children, wrong }: SectionProps): ReactNode {
  const [open, setOpen] = useState(false)
  const shown = open || wrong
  return (
    <Collapsible.Root className="section" open={shown} onOpenChange={setOpen}>
      <Collapsible.Trigger className="section-head">
        <span className="section-title">
          <ChevronRightIcon />
          {title}
        </span>
        <span className="section-summary cut">{summary}</span>
      </Collapsible.Trigger>
      <Collapsible.Content className="section-body">{children}</Collapsible.Content>
    </Collapsible.Root>
  )
}
