// SPDX-License-Identifier: Apache-2.0
import { useId, type ReactNode } from 'react'

interface FieldProps {
  readonly label: string
  readonly error?: string | undefined
  /** Gets the ids that tie the control to its label and its error. */
  readonly children: (ids: FieldIds) => ReactNode
}

export interface FieldIds {
  readonly id: string
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string | undefined
}

/** A label, a control, and what is wrong with it. The error takes no room until there is one. */
export function Field({ label, error, children }: FieldProps): ReactNode {
  const id = useId()
  const wrong = error !== undefined
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field-control">
        {children({
          id,
          'aria-invalid': wrong,
          'aria-describedby': wrong ? `${id}-error` : undefined,
        })}
        {wrong && (
          <p className="field-error" id={`${id}-error`}>
            {error}
          </p>
        )}
      </div>
    </div>
  )
}
