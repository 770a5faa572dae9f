// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'

/** A list of names and values, one a line. */
export function Facts(props: { readonly children: ReactNode }): ReactNode {
  return <dl className="facts">{props.children}</dl>
}

interface FactProps {
  readonly name: string
  readonly mono?: boolean
  readonly children: ReactNode
}

/** One line of it. */
export function Fact({ name, mono, children }: FactProps): ReactNode {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd className={mono === true ? 'mono' : ''}>{children}</dd>
    </div>
  )
}
