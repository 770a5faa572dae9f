// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'

/** A reference of which, where there is little room, the end stays: name and tag say more than where it is from. */
export function ReferenceText({ reference }: { readonly reference: string }): ReactNode {
  const nameAt = reference.lastIndexOf('/') + 1
  return (
    <span className="reference" title={reference}>
      <span className="reference-place">{reference.slice(0, nameAt)}</span>
      <span className="reference-name">{reference.slice(nameAt)}</span>
    </span>
  )
}
