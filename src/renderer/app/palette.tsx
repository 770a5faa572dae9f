// SPDX-License-Identifier: Apache-2.0
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { useImages } from '../features/images/image-store'
import { useVms } from '../features/vms/vm-store'
import { afterFocusReturned } from '../ui/after-focus'
import { Dialog } from '../ui/dialog'
import { paletteItems, type PaletteItem } from './palette-items'
import { findItems } from './palette-match'
import { closePalette, usePalette } from './palette-store'

const SHOWN = 50

/** Every command and machine, found by typing. */
export function CommandPalette(): ReactNode {
  const open = usePalette((state) => state.open)
  if (!open) return null
  return (
    <Dialog title="Commands" titleHidden className="palette" onClose={closePalette}>
      <Finder />
    </Dialog>
  )
}

function Finder(): ReactNode {
  const [query, setQuery] = useState('')
  const [active, setActive] = useState(0)
  const listId = useId()
  const items = findItems(useItems(), query, SHOWN)
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const item = items[active]
    if (step !== undefined) setActive((active + step + items.length) % Math.max(1, items.length))
    else if (event.key === 'Enter' && item !== undefined) runItem(item)
    else return
    event.preventDefault()
  }
  return (
    <>
      <input
        className="palette-input"
        type="text"
        role="combobox"
        aria-label="Find a command or a machine"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={`${listId}-${active}`}
        placeholder="Find a command or a machine"
        spellCheck={false}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value)
          setActive(0)
        }}
        onKeyDown={onKey}
      />
      <div className="palette-list" id={listId} role="listbox" aria-label="Commands">
        {items.map((item, index) => (
          <Item key={item.id} id={`${listId}-${index}`} item={item} active={index === active} />
        ))}
      </div>
      {items.length === 0 && <p className="palette-none">Nothing matches “{query}”.</p>}
    </>
  )
}

/** The items as of now; a palette is open for a moment only, so it does not follow every reading. */
function useItems(): readonly PaletteItem[] {
  const [items] = useState(() =>
    paletteItems(
      Object.values(useVms.getState().byId).toSorted((a, b) =>
        a.spec.name.localeCompare(b.spec.name),
      ),
      useImages.getState().list,
    ),
  )
  return items
}

function runItem(item: PaletteItem): void {
  closePalette()
  afterFocusReturned(item.run)
}

interface ItemProps {
  readonly id: string
  readonly item: PaletteItem
  readonly active: boolean
}

function Item({ id, item, active }: ItemProps): ReactNode {
  const line = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (active) line.current?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    <div
      ref={line}
      id={id}
      role="option"
      aria-selected={active}
      className="choice"
      // The keys are the field's: it has the focus all the time.
      onPointerUp={() => runItem(item)}
    >
      <span className="cut">{item.label}</span>
      <span className="choice-note">{item.note}</span>
    </div>
  )
}
