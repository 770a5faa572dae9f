// SPDX-License-Identifier: Apache-2.0
// The terminal panel at the bottom of the window. What it shows lives in the sessions, not here:
// this folder's components come and go without a shell noticing.
import { useRef, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react'
import { PasteDialog } from './paste-dialog'
import { TerminalBar } from './terminal-bar'
import { panelHeight, setPanelHeight, setPanelOpen, useTerminals } from './terminal-store'
import { TerminalView } from './terminal-view'
import './terminal.css'

/** `status`: what the bar shows at its right end besides the terminal's own. */
export function TerminalPanel(props: { readonly status: ReactNode }): ReactNode {
  const open = useTerminals((state) => state.open)
  const height = useTerminals((state) => state.height)
  const tabs = useTerminals((state) => state.tabs)
  const active = useTerminals((state) => state.active)
  return (
    <section
      className={open ? 'terminal-panel open' : 'terminal-panel'}
      aria-label="Terminals"
      data-testid="terminal-panel"
      style={open ? { height } : undefined}
    >
      {open && <ResizeHandle height={height} />}
      <TerminalBar status={props.status} />
      <div className="terminal-views" hidden={!open}>
        {tabs.map((tab) => (
          <TerminalView key={tab.id} tab={tab} shown={open && tab.id === active} />
        ))}
      </div>
      <PasteDialog />
    </section>
  )
}

const STEP = 24

function ResizeHandle({ height }: { readonly height: number }): ReactNode {
  const drag = useRef<{ readonly y: number; readonly height: number } | undefined>(undefined)
  const start = (event: PointerEvent<HTMLDivElement>): void => {
    event.currentTarget.setPointerCapture(event.pointerId)
    drag.current = { y: event.clientY, height }
  }
  const move = (event: PointerEvent): void => {
    if (drag.current !== undefined)
      setPanelHeight(limited(drag.current.height + drag.current.y - event.clientY))
  }
  return (
    <div
      className="resize-handle"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the terminal panel"
      aria-valuenow={height}
      aria-valuemin={panelHeight.min}
      tabIndex={0}
      onPointerDown={start}
      onPointerMove={move}
      onPointerUp={() => (drag.current = undefined)}
      onDoubleClick={() => setPanelHeight(panelHeight.usual)}
      onKeyDown={(event) => resizeByKey(event, height)}
    />
  )
}

function resizeByKey(event: KeyboardEvent, height: number): void {
  const heights: Partial<Record<string, number>> = {
    ArrowUp: height + STEP,
    ArrowDown: height - STEP,
    Home: panelHeight.min,
    End: Number.MAX_SAFE_INTEGER,
  }
  if (event.key === 'Enter') setPanelOpen(false)
  const wanted = heights[event.key]
  if (wanted === undefined) return
  event.preventDefault()
  setPanelHeight(limited(wanted))
}

/** The page above keeps a few rows. */
function limited(height: number): number {
  return Math.min(height, Math.max(panelHeight.min, innerHeight - 180))
}
