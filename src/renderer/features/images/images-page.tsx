// SPDX-License-Identifier: Apache-2.0
// The images on this computer: pull by reference, import, launch, delete. A pull under way stands
// above the table with its layers; it goes on when one leaves the page.
import { DropdownMenu } from 'radix-ui'
import { useMemo, useState, type SyntheticEvent, type ReactNode } from 'react'
import { cancelOperation, useOperations } from '../../api/operations'
import { Button } from '../../ui/button'
import { EmptyState, ErrorPanel, SkeletonRows } from '../../ui/feedback'
import { FindField } from '../../ui/find-field'
import { ChevronDownIcon } from '../../ui/icons'
import { orToast } from '../../ui/toast-store'
import { formatBytes, formatPlural } from '../../ui/format'
import { importInBackground, pullInBackground } from './image-actions'
import { askToPrune } from './image-dialogs'
import { spaceOf, visibleImages, type ImageSort } from './image-list'
import { loadImages, useImages } from './image-store'
import { ImageTable } from './image-table'
import { ProgressDetails } from './progress-details'
import './images.css'

export function ImagesPage(): ReactNode {
  const [filter, setFilter] = useState('')
  return (
    <main className="page" aria-label="Images">
      <header className="page-header">
        <h1>Images</h1>
        <div className="page-actions">
          <FindField
            label="Filter images"
            placeholder="Filter"
            className="images-filter"
            query={filter}
            onQuery={setFilter}
          />
          <ImportMenu />
          <PullForm />
        </div>
      </header>
      <Pulls />
      <ImagesContent filter={filter} clearFilter={() => setFilter('')} />
      <SpaceLine />
    </main>
  )
}

interface ImagesContentProps {
  readonly filter: string
  readonly clearFilter: () => void
}

function ImagesContent({ filter, clearFilter }: ImagesContentProps): ReactNode {
  const { load, error, list } = useImages()
  const [sort, setSort] = useState<ImageSort>({ column: 'reference', descending: false })
  const shown = useMemo(() => visibleImages(list, filter, sort), [list, filter, sort])
  if (load === 'loading') return <SkeletonRows rows={4} />
  if (load === 'failed')
    return (
      <ErrorPanel title="The images could not be listed" error={error}>
        <Button onClick={() => void loadImages()}>Try again</Button>
      </ErrorPanel>
    )
  if (shown.length > 0) return <ImageTable images={shown} sort={sort} onSort={setSort} />
  if (list.length > 0)
    return (
      <EmptyState title={`Nothing matches “${filter}”`}>
        <Button onClick={clearFilter}>Clear filter</Button>
      </EmptyState>
    )
  return (
    <EmptyState title="No images yet">
      <p>
        Type a reference above, such as debian:bookworm, to pull it from its registry; or import an
        archive or folder you have.
      </p>
    </EmptyState>
  )
}

/** What all of them take together, and the way to less. */
function SpaceLine(): ReactNode {
  const list = useImages((state) => state.list)
  const bytes = useMemo(() => spaceOf(list), [list])
  return (
    <footer className="space-line">
      <span>
        {list.length > 0 && `${formatPlural(list.length, 'image')}, ${formatBytes(bytes)} on disk`}
      </span>
      <Button variant="quiet" onClick={askToPrune}>
        Free up space…
      </Button>
    </footer>
  )
}

function ImportMenu(): ReactNode {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button variant="quiet">
          Import <ChevronDownIcon />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Item
            className="menu-item"
            onSelect={() => void importInBackground('archive')}
          >
            Archive (.tar)…
          </DropdownMenu.Item>
          <DropdownMenu.Item
            className="menu-item"
            onSelect={() => void importInBackground('folder')}
          >
            OCI layout (folder)…
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

function PullForm(): ReactNode {
  const [reference, setReference] = useState('')
  const wanted = reference.trim()
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (wanted === '') return
    setReference('')
    void pullInBackground(wanted)
  }
  return (
    <form className="pull-form" onSubmit={submit}>
      <input
        type="text"
        aria-label="Image reference"
        placeholder="debian:bookworm"
        spellCheck={false}
        value={reference}
        onChange={(event) => setReference(event.target.value)}
      />
      <Button type="submit" variant="primary" disabled={wanted === ''}>
        Pull
      </Button>
    </form>
  )
}

function Pulls(): ReactNode {
  const running = useOperations((state) => state.running)
  return running.map(({ id, title, progress, cancelling }) => (
    <ProgressDetails
      key={id}
      title={title}
      progress={progress}
      cancelling={cancelling}
      onCancel={() => void orToast(`${title} goes on`, cancelOperation(id))}
    />
  ))
}
