// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { Button } from '../../../ui/button'
import { ErrorPanel } from '../../../ui/feedback'
import { isMac } from '../../../ui/platform'
import { TerminalSearch } from '../../terminal/terminal-search'
import { ConsoleScreen } from './console-screen'

interface ConsoleTabProps {
  readonly id: string
  readonly name: string
}

/** The serial log: what the kernel and the image's command print. Follows the end until one scrolls up. */
export function ConsoleTab({ id, name }: ConsoleTabProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const { console: log, follows, error, retry } = useConsole(id, place)
  const [searching, setSearching] = useState(false)
  useSearchKey(() => setSearching(true))
  return (
    <div className="console" data-testid="console">
      <div className="console-bar">
        <label className="check">
          <input
            type="checkbox"
            checked={follows}
            onChange={(event) => log?.follow(event.target.checked)}
          />
          Follow
        </label>
        <Button variant="quiet" onClick={() => setSearching(true)}>
          Search
        </Button>
        <Button variant="quiet" onClick={() => log?.copy()}>
          Copy
        </Button>
      </div>
      {error !== undefined && (
        <ErrorPanel title="The console log could not be read" error={error}>
          <Button onClick={retry}>Try again</Button>
        </ErrorPanel>
      )}
      {searching && log !== undefined && (
        <TerminalSearch screen={log.screen} onClose={() => setSearching(false)} />
      )}
      <div className="console-place" ref={place} role="log" aria-label={`Console log of ${name}`} />
    </div>
  )
}

interface ConsoleState {
  readonly console: ConsoleScreen | undefined
  readonly follows: boolean
  readonly error: unknown
  readonly retry: () => void
}

function useConsole(id: string, place: React.RefObject<HTMLDivElement | null>): ConsoleState {
  const [log, setLog] = useState<ConsoleScreen | undefined>(undefined)
  const [follows, setFollows] = useState(true)
  const [error, setError] = useState<unknown>(undefined)
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    if (place.current === null) return undefined
    const made = new ConsoleScreen(id, { onFollows: setFollows, onError: setError })
    setLog(made)
    made.show(place.current)
    return () => made.dispose()
  }, [id, place, attempt])
  const retry = (): void => {
    setError(undefined)
    setAttempt((count) => count + 1)
  }
  return { console: log, follows, error, retry }
}

/** Ctrl/Cmd+F searches the log, wherever on the page the focus is. */
function useSearchKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      const chord = isMac ? event.metaKey : event.ctrlKey
      if (!chord || event.key.toLowerCase() !== 'f' || inShell(event.target)) return
      event.preventDefault()
      open()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
}

function inShell(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[data-testid=terminal]') !== null
}
