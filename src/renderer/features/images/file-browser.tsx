// SPDX-License-Identifier: Apache-2.0
// The look into an image: its layers at the left, the files of one of them or of all at the right.
import { useMemo, useRef, useState, type ReactNode } from 'react'
import type { ImageFiles, ImageView } from '../../../contract/images'
import { Button } from '../../ui/button'
import { EmptyState, ErrorPanel, useLate } from '../../ui/feedback'
import { FindField } from '../../ui/find-field'
import { formatPlural } from '../../ui/format'
import { ProgressBar } from '../../ui/progress'
import { FilePreview } from './file-preview'
import { FileSearchList } from './file-search'
import { FileTreeView } from './file-tree-view'
import { useFileTree, useImageFiles, type Files } from './image-files'
import { LayerList } from './layer-list'

interface FileBrowserProps {
  readonly image: ImageView
}

/** Reads the image's layers; to be given another key for another image. */
export function FileBrowser({ image }: FileBrowserProps): ReactNode {
  const [tries, setTries] = useState(0)
  const [isStopped, setStopped] = useState(false)
  const read = (): void => {
    setTries(tries + 1)
    setStopped(false)
  }
  if (!isStopped)
    return <Browser key={tries} image={image} onRetry={read} onStop={() => setStopped(true)} />
  return (
    <div className="browser">
      <LayerList image={image} files={undefined} selected={undefined} onSelect={read} />
      <EmptyState title="The files were not read">
        <Button onClick={read}>Read them</Button>
      </EmptyState>
    </div>
  )
}

interface BrowserProps extends FileBrowserProps {
  readonly onRetry: () => void
  readonly onStop: () => void
}

function Browser({ image, onRetry, onStop }: BrowserProps): ReactNode {
  const state = useImageFiles(image.reference)
  const [layer, setLayer] = useState<number | undefined>(undefined)
  const files = state.load === 'ready' ? state.value : undefined
  return (
    <div className="browser">
      <LayerList image={image} files={files} selected={layer} onSelect={setLayer} />
      {state.load === 'loading' && <Reading image={image} onStop={onStop} />}
      {state.load === 'failed' && (
        <ErrorPanel title="The image’s files could not be read" error={state.error}>
          <Button onClick={onRetry}>Try again</Button>
        </ErrorPanel>
      )}
      {files !== undefined && <BrowsedFiles files={files} layer={layer} />}
    </div>
  )
}

/** Shown once it has taken a moment: reading hundreds of thousands of files takes a second or two. */
function Reading({ image, onStop }: FileBrowserProps & { onStop: () => void }): ReactNode {
  const isLate = useLate(200)
  const entries = image.layers.reduce((sum, layer) => sum + layer.entries, 0)
  const title = `Reading ${formatPlural(entries, 'file')} and folders…`
  return (
    <div className="reading" role="status">
      {isLate && (
        <>
          <p>{title}</p>
          <ProgressBar label={title} fraction={undefined} />
          <Button onClick={onStop}>Cancel</Button>
        </>
      )}
    </div>
  )
}

interface BrowsedFilesProps {
  readonly files: ImageFiles
  readonly layer: number | undefined
}

function BrowsedFiles({ files: { digest, layers }, layer }: BrowsedFilesProps): ReactNode {
  const [changesOnly, setChangesOnly] = useState(true)
  const [query, setQuery] = useState('')
  const [viewed, setViewed] = useState<string | undefined>(undefined)
  const isLayer = layer !== undefined
  const files = useMemo<Files>(
    () => ({ digest, view: isLayer ? { layer, changesOnly } : {} }),
    [digest, isLayer, layer, changesOnly],
  )
  const selected = useRef('')
  const tree = useFileTree(files, selected)
  const onSelect = (path: string, isFile: boolean): void => {
    selected.current = path
    // With the text open, one walks through files and reads each.
    if (isFile) setViewed((shown) => shown && path)
  }
  const wanted = query.trim()
  const shared = { files, onSelect }
  const did = isLayer ? layers[layer] : undefined
  const isQuiet = did !== undefined && did.added + did.changed + did.removed === 0
  return (
    <section className="browser-files" aria-label="Files">
      <div className="browser-tools">
        <FileSearch query={query} onQuery={setQuery} />
        {isLayer && <ChangesSwitch number={layer + 1} only={changesOnly} onOnly={setChangesOnly} />}
      </div>
      {wanted !== '' && (
        <FileSearchList
          {...shared}
          query={wanted}
          onEscape={() => setQuery('')}
          onOpen={(path) => {
            setQuery('')
            selected.current = path
            void tree.reveal(path)
          }}
        />
      )}
      {wanted === '' && isQuiet && changesOnly && (
        <EmptyState title={`Layer ${(layer ?? 0) + 1} changes no files`}>
          <Button onClick={() => setChangesOnly(false)}>Show all files</Button>
        </EmptyState>
      )}
      {wanted === '' && !(isQuiet && changesOnly) && (
        <FileTreeView
          {...shared}
          tree={tree}
          label={isLayer ? `Files of layer ${layer + 1}` : 'Files of the image'}
          onView={setViewed}
          onEscape={() => setViewed(undefined)}
        />
      )}
      {viewed !== undefined && (
        <FilePreview files={files} path={viewed} onClose={() => setViewed(undefined)} />
      )}
    </section>
  )
}

interface FileSearchProps {
  readonly query: string
  readonly onQuery: (query: string) => void
}

function FileSearch(props: FileSearchProps): ReactNode {
  return (
    <FindField
      {...props}
      label="Find a file"
      placeholder="Find a file"
      className="find"
      spellCheck={false}
      maxLength={256}
      onArrowDown={goToList}
    />
  )
}

function goToList(field: HTMLInputElement): void {
  const section = field.closest('.browser-files')
  section?.querySelector<HTMLElement>('[data-testid=file-list]')?.focus()
}

interface ChangesSwitchProps {
  readonly number: number
  readonly only: boolean
  readonly onOnly: (only: boolean) => void
}

/** Two ways to see a layer. */
function ChangesSwitch({ number, only, onOnly }: ChangesSwitchProps): ReactNode {
  const choices = [
    { label: `Changes in layer ${number}`, value: true },
    { label: 'All files', value: false },
  ]
  return (
    <div className="segments" role="group" aria-label="Which files">
      {choices.map(({ label, value }) => (
        <button
          key={label}
          type="button"
          className="segment"
          aria-pressed={only === value}
          onClick={() => onOnly(value)}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
