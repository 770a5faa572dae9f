// SPDX-License-Identifier: Apache-2.0
import { useEffect, type RefObject } from 'react'
import { hasMainModifier } from './platform'

/** Ctrl/Cmd+F goes to a search field, unless a terminal has the keys and takes it. */
export function useFindKey(field: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.defaultPrevented || event.shiftKey || event.key.toLowerCase() !== 'f') return
      if (!hasMainModifier(event)) return
      event.preventDefault()
      field.current?.select()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [field])
}
