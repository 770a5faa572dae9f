// SPDX-License-Identifier: Apache-2.0
import { useRef, type ComponentProps, type ReactNode } from 'react'
import { keyText } from './platform'
import { useFindKey } from './use-find-key'

interface FindFieldProps extends Pick<ComponentProps<'input'>, 'spellCheck' | 'maxLength'> {
  /** Read out by screen readers. */
  readonly label: string
  readonly placeholder: string
  readonly className?: string
  readonly query: string
  readonly onQuery: (query: string) => void
  /** The user goes on to what was found. */
  readonly onArrowDown?: (field: HTMLInputElement) => void
}

/** A page's one field that narrows what it lists: Ctrl/Cmd+F goes there, Escape empties it. */
export function FindField(props: FindFieldProps): ReactNode {
  const { label, className, query, onQuery, onArrowDown, ...input } = props
  const field = useRef<HTMLInputElement>(null)
  useFindKey(field)
  return (
    <label className={className === undefined ? 'filter' : `filter ${className}`}>
      <input
        ref={field}
        type="search"
        aria-label={label}
        {...input}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onQuery('')
          if (event.key !== 'ArrowDown' || onArrowDown === undefined) return
          event.preventDefault()
          onArrowDown(event.currentTarget)
        }}
      />
      <kbd aria-hidden>{keyText('F')}</kbd>
    </label>
  )
}
