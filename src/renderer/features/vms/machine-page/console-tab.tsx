// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState, type ReactNode, type RefObject } from 'react'
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
  const { log, follows, empty, error, retry } = useConsole(id, place)
  const [searching, setSearching] = useState(false)
  useSearchKey(() => setSearching(true))
  return (
    <div className="console" data-testid="console">
      <div className="console-bar">
        <label className="check">
          <input
            type="checkbox"
            checked={follows}
            onChange={(event) => log.follow(event.target.checked)}
          />
          Follow
        </label>
        <Button variant="quiet" onClick={() => setSearching(true)}>
          Search
        </Button>
        <Button variant="quiet" onClick={() => log.copy()}>
          Copy
        </Button>
      </div>
      {error !== undefined && (
        <ErrorPanel title="The console log could not be read" error={error}>
          <Button onClick={retry}>Try again</Button>
        </ErrorPanel>
      )}
      {searching && <TerminalSearch screen={log.screen} onClose={() => setSearching(false)} />}
      {empty && error === undefined && (
        <p className="console-empty">Nothing has been printed yet.</p>
      )}
      <div className="console-place" ref={place} role="log" aria-label={`Console log of ${name}`} />
    </div>
  )
}

interface ConsoleState {
  readonly log: ConsoleScreen
  readonly follows: boolean
  readonly empty: boolean
  readonly error: unknown
  readonly retry: () => void
}

/** The log of one machine for as long as the component lives; it is made anew for another machine. */
function useConsole(id: string, place: RefObject<HTMLDivElement | null>): ConsoleState {
  const [log] = useState(() => new ConsoleScreen(id))
  const [follows, setFollows] = useState(true)
  const [empty, setEmpty] = useState(true)
  const [error, setError] = useState<unknown>(undefined)
  useEffect(() => {
    if (place.current !== null)
      log.show(place.current, {
        onFollows: setFollows,
        onError: setError,
        onOutput: () => setEmpty(false),
      })
    return () => log.dispose()
  }, [log, place])
  const retry = (): void => {
    setError(undefined)
    void log.begin()
  }
  return { log, follows, empty, error, retry }
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
