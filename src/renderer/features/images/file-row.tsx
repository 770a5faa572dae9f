// SPDX-License-Identifier: Apache-2.0
import { memo, type ReactNode } from 'react'
import type { FileEntry } from '../../../contract/images'
import { formatBytes } from '../../ui/format'
import { ChevronRightIcon } from '../../ui/icons'
import { changesText, modeText, ownerText, visibleName } from './file-text'

export const FILE_ROW_HEIGHT = 28

interface FileRowProps {
  /** In the list; names its element. */
  readonly at: number
  /** Pixels from the top of the list. */
  readonly top: number
  /** undefined while it is on the way. */
  readonly entry: FileEntry | undefined
  /** Shown before the name, without one of its own: "etc/nginx/". */
  readonly folder?: string
  readonly depth: number
  readonly index: number
  readonly total: number
  readonly open: boolean
  readonly selected: boolean
  /** Whether a layer is looked at, or the whole image. */
  readonly isLayer: boolean
  readonly onPress: (at: number, part: 'row' | 'twist') => void
  readonly onOpen: (at: number) => void
}

/** One name in a list of files. The list has the focus and says which row is selected. */
export const FileRow = memo(function FileRow(props: FileRowProps): ReactNode {
  const { at, entry, depth, open } = props
  const isFolder = entry?.type === 'directory'
  return (
    // The keys are the list's.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      id={fileRowId(at)}
      className="file-row file-grid"
      role="row"
      aria-level={depth + 1}
      aria-setsize={props.total}
      aria-posinset={props.index + 1}
      aria-selected={props.selected}
      {...(isFolder && props.folder === undefined ? { 'aria-expanded': open } : {})}
      data-change={entry?.change}
      style={{ transform: `translateY(${props.top}px)` }}
      onMouseDown={() => props.onPress(at, 'row')}
      onDoubleClick={() => props.onOpen(at)}
    >
      <span role="gridcell" className="file-name" style={{ paddingLeft: depth * 18 }}>
        <Twist {...props} shown={isFolder && props.folder === undefined} />
        {entry === undefined ? <span className="file-coming" /> : <Name {...props} entry={entry} />}
      </span>
      <span role="gridcell" className="file-size">
        {entry !== undefined && sizeText(entry)}
      </span>
      <span role="gridcell" className="file-change cut">
        {entry !== undefined && changeText(entry, props.isLayer)}
      </span>
      <span role="gridcell" className="file-mode cut mono">
        {entry !== undefined && `${modeText(entry)} ${ownerText(entry)}`}
      </span>
    </div>
  )
})

export const fileRowId = (at: number): string => `file-row-${at}`

function Twist(props: FileRowProps & { readonly shown: boolean }): ReactNode {
  if (!props.shown) return <span className="file-twist" />
  return (
    // Its keys are the list's: left and right.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <span
      className="file-twist"
      data-open={props.open}
      onMouseDown={(event) => {
        event.stopPropagation()
        props.onPress(props.at, 'twist')
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <ChevronRightIcon />
    </span>
  )
}

function Name({ entry, folder = '' }: FileRowProps & { readonly entry: FileEntry }): ReactNode {
  const { name, target } = entry
  return (
    <span className="cut" title={visibleName(folder + name)}>
      {folder !== '' && <span className="file-folder">{visibleName(folder)}</span>}
      <span className="file-own-name">{visibleName(name)}</span>
      {target !== undefined && <span className="file-target"> → {visibleName(target)}</span>}
    </span>
  )
}

/** Links and devices have none; of empty folders there is nothing to say. */
function sizeText({ type, size }: FileEntry): string {
  return type === 'file' || (type === 'directory' && size > 0) ? formatBytes(size) : ''
}

function changeText({ type, change, below, layer }: FileEntry, isLayer: boolean): string {
  if (!isLayer) return type === 'directory' ? '' : `layer ${layer + 1}`
  return [change, below && changesText(below)].filter(Boolean).join('  ')
}
