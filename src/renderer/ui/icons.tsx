// SPDX-License-Identifier: Apache-2.0
// The few signs the window needs, drawn as strokes in the text's colour.
import type { ReactNode } from 'react'

function Icon(props: { readonly path: string }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden focusable="false">
      <path d={props.path} />
    </svg>
  )
}

export const CloseIcon = (): ReactNode => <Icon path="M4.5 4.5l7 7M11.5 4.5l-7 7" />
export const PlusIcon = (): ReactNode => <Icon path="M8 3.5v9M3.5 8h9" />
export const ChevronDownIcon = (): ReactNode => <Icon path="M4.5 6.5L8 10l3.5-3.5" />
export const ChevronUpIcon = (): ReactNode => <Icon path="M4.5 9.5L8 6l3.5 3.5" />
export const ChevronRightIcon = (): ReactNode => <Icon path="M6.5 4.5L10 8l-3.5 3.5" />
export const CopyIcon = (): ReactNode => <Icon path="M6 6V3.5h6.5V10H10M3.5 6H10v6.5H3.5z" />
export const CheckIcon = (): ReactNode => <Icon path="M3.5 8.5l3 3 6-7" />
