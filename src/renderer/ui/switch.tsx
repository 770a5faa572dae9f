// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'

interface SwitchProps {
  readonly label: string
  readonly note: string
  readonly checked: boolean
  readonly disabled?: boolean
  readonly onChange: (checked: boolean) => void
}

/** A setting that is on or off, with what that means. */
export function Switch({
  label,
  note,
  checked,
  disabled = false,
  onChange,
}: SwitchProps): ReactNode {
  return (
    <label className="setting">
      <span className="setting-text">
        {label}
        <span className="fine">{note}</span>
      </span>
      <input
        type="checkbox"
        role="switch"
        aria-label={label}
        checked={checked}
        aria-checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
    </label>
  )
}
