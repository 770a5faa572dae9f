// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState, type KeyboardEvent, type ReactNode } from 'react'
import { IconButton } from '../../ui/button'
import { ChevronDownIcon, ChevronUpIcon, CloseIcon } from '../../ui/icons'
import type { TerminalScreen } from './terminal-screen'
import { searchDecorations } from './terminal-theme'

interface TerminalSearchProps {
  readonly screen: TerminalScreen
  readonly onClose: () => void
}

/** The search bar over a terminal: Enter goes to the next hit upwards, as the newest is at the bottom. */
export function TerminalSearch({ screen, onClose }: TerminalSearchProps): ReactNode {
  const { text, setText, hits, find } = useSearch(screen)
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onClose()
    if (event.key === 'Enter') find(event.shiftKey ? 'next' : 'previous')
  }
  return (
    <div className="terminal-search" role="search">
      <input
        // Opened by a key or a menu: typing goes here at once.
        autoFocus
        type="text"
        aria-label="Search in the terminal"
        placeholder="Search"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKey}
      />
      <span className="terminal-search-count" role="status">
        {text === '' ? '' : hits}
      </span>
      <IconButton label="Previous hit" onClick={() => find('previous')}>
        <ChevronUpIcon />
      </IconButton>
      <IconButton label="Next hit" onClick={() => find('next')}>
        <ChevronDownIcon />
      </IconButton>
      <IconButton label="Close search" onClick={onClose}>
        <CloseIcon />
      </IconButton>
    </div>
  )
}

interface Search {
  readonly text: string
  readonly setText: (text: string) => void
  /** "2 of 14", "No hits". */
  readonly hits: string
  readonly find: (direction: 'next' | 'previous') => void
}

function useSearch(screen: TerminalScreen): Search {
  const [text, setTextState] = useState('')
  const [hits, setHits] = useState('')
  useEffect(() => {
    const listening = screen.search.onDidChangeResults(({ resultIndex, resultCount }) =>
      setHits(resultCount === 0 ? 'No hits' : `${resultIndex + 1} of ${resultCount}`),
    )
    return () => {
      listening.dispose()
      screen.search.clearDecorations()
    }
  }, [screen])
  const options = { decorations: searchDecorations }
  const setText = (wanted: string): void => {
    setTextState(wanted)
    if (wanted === '') screen.search.clearDecorations()
    else screen.search.findPrevious(wanted, { ...options, incremental: true })
  }
  const find = (direction: 'next' | 'previous'): void => {
    if (text === '') return
    if (direction === 'next') screen.search.findNext(text, options)
    else screen.search.findPrevious(text, options)
  }
  return { text, setText, hits, find }
}
