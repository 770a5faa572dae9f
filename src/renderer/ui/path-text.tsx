// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'

/** A path or address of which, where there is little room, the end stays: it says more than where it lies. */
export function PathText({ path }: { readonly path: string }): ReactNode {
  const nameAt = path.replace(/\/+$/, '').lastIndexOf('/') + 1
  return (
    <span className="path mono" title={path}>
      <span className="path-start">{path.slice(0, nameAt)}</span>
      <span className="path-end">{path.slice(nameAt)}</span>
    </span>
  )
}
