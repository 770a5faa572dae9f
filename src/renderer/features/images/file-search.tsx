// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState, type ReactNode } from 'react'
import type { FileSearch } from '../../../contract/images'
import { EmptyState, ErrorPanel } from '../../ui/feedback'
import { formatPlural } from '../../ui/format'
import { FileList } from './file-list'
import { searchFiles, type Files } from './image-files'

interface FileSearchListProps {
  readonly files: Files
  readonly query: string
  readonly onSelect: (path: string, isFile: boolean) => void
  /** One is to be shown in the tree. */
  readonly onOpen: (path: string) => void
  readonly onEscape: () => void
}

const TYPING_MS = 120

/** What a search found. The last result stays until the next one is there. */
export function FileSearchList(props: FileSearchListProps): ReactNode {
  const { files, query } = props
  const { found, error } = useSearch(files, query)
  const [selected, setSelected] = useState(0)
  if (error !== undefined) return <ErrorPanel title="The search failed" error={error} />
  if (found === undefined) return <div className="file-list" />
  const { matches, complete } = found
  if (matches.length === 0)
    return (
      <EmptyState title={`No file matches “${query}”`}>
        <p>A part of a path will do; so will a pattern such as *.conf or /etc/**/*.d</p>
      </EmptyState>
    )
  const at = Math.min(selected, matches.length - 1)
  const select = (index: number): void => {
    setSelected(index)
    const match = matches[index]
    if (match !== undefined) props.onSelect(match.path, match.type === 'file')
  }
  return (
    <>
      <p className="search-count fine" role="status">
        {complete
          ? formatPlural(matches.length, 'match').replace('matchs', 'matches')
          : `The first ${matches.length} matches`}
        , Enter shows one in its folder
      </p>
      <FileList
        label={`Files that match ${query}`}
        role="grid"
        count={matches.length}
        row={(index) => {
          const entry = matches[index]
          if (entry === undefined) return undefined
          const folder = entry.path.slice(0, entry.path.length - entry.name.length)
          const { path } = entry
          return { path, folder, entry, depth: 0, index, total: matches.length, open: false }
        }}
        selected={at}
        isLayer={files.view.layer !== undefined}
        onSelect={select}
        onOpen={(index) => matches[index] && props.onOpen(matches[index].path)}
        onKey={({ key }) => {
          if (key !== 'Escape') return false
          props.onEscape()
          return true
        }}
      />
    </>
  )
}

interface Found {
  readonly found?: FileSearch
  readonly error?: unknown
}

/** Searches once the typing pauses; a search that is not wanted any more is cancelled. */
function useSearch(files: Files, query: string): Found {
  const [state, setState] = useState<Found>({})
  useEffect(() => {
    const cancelling = new AbortController()
    const search = async (): Promise<void> => {
      try {
        const found = await searchFiles(files, query, cancelling.signal)
        if (!cancelling.signal.aborted && found !== undefined) setState({ found })
      } catch (error) {
        if (!cancelling.signal.aborted) setState({ error })
      }
    }
    const timer = setTimeout(() => void search(), TYPING_MS)
    return () => {
      clearTimeout(timer)
      cancelling.abort()
    }
  }, [files, query])
  return state
}
