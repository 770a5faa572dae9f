// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react'
import type { ImageFiles, ImageLayer, ImageView, LayerChanges } from '../../../contract/images'
import { CopyButton } from '../../ui/copy-button'
import { formatBytes, formatCount, formatPlural, shortDigest } from '../../ui/format'
import { moveSelection } from '../vms/machine-list'
import { layerText } from './file-text'
import { instructionText } from './instruction-text'

interface LayerListProps {
  readonly image: ImageView
  /** Absent until the layers have been read. */
  readonly files: ImageFiles | undefined
  /** Index of a layer; undefined: the whole image. */
  readonly selected: number | undefined
  readonly onSelect: (layer: number | undefined) => void
}

/** The whole image and each of its layers with the command that made it; one of them is looked at. */
export function LayerList({ image, files, selected, onSelect }: LayerListProps): ReactNode {
  const list = useRef<HTMLDivElement>(null)
  const { layers } = image
  const at = selected === undefined ? 0 : selected + 1
  const select = (option: number): void => onSelect(option === 0 ? undefined : option - 1)
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = moveSelection(event.key, at, layers.length + 1, 5)
    if (target === undefined) return
    event.preventDefault()
    select(target)
  }
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    <div className="layer-side">
      <div
        className="layers"
        ref={list}
        role="listbox"
        aria-label="Layers"
        aria-activedescendant={optionId(at)}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <Option at={0} selected={at === 0} onSelect={select}>
          <span className="layer-number" />
          <div className="layer-text">
            <span className="layer-title">Whole image</span>
            <p>
              {formatBytes(image.size)}
              {files !== undefined && ` · ${formatPlural(files.entries, 'file')} and folders`}
            </p>
          </div>
        </Option>
        {layers.map((layer, index) => (
          <Option
            // One layer may be there twice, and none ever moves.
            // eslint-disable-next-line react/no-array-index-key
            key={`${index} ${layer.diffId}`}
            at={index + 1}
            selected={at === index + 1}
            onSelect={select}
          >
            <span className="layer-number">{index + 1}</span>
            <LayerText layer={layer} changes={files?.layers[index]} />
          </Option>
        ))}
      </div>
      <footer className="layer-foot fine">
        {selected === undefined ? (
          <SpaceText image={image} files={files} />
        ) : (
          <LayerDetails layer={layers[selected]} number={selected + 1} />
        )}
      </footer>
    </div>
  )
}

const optionId = (at: number): string => `layer-option-${at}`

interface OptionProps {
  readonly at: number
  readonly selected: boolean
  readonly onSelect: (at: number) => void
  readonly children: ReactNode
}

function Option({ at, selected, onSelect, children }: OptionProps): ReactNode {
  return (
    // The keys are the list's.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      id={optionId(at)}
      className="layer"
      role="option"
      aria-selected={selected}
      onClick={() => onSelect(at)}
    >
      {children}
    </div>
  )
}

interface LayerTextProps {
  readonly layer: ImageLayer
  readonly changes: LayerChanges | undefined
}

function LayerText({ layer, changes }: LayerTextProps): ReactNode {
  const madeBy = instructionText(layer.createdBy)
  return (
    <div className="layer-text">
      <code className={madeBy === '' ? 'unknown' : ''} title={layer.createdBy}>
        {madeBy === '' ? 'made by an unknown command' : madeBy}
      </code>
      <p>
        {formatBytes(layer.sizeOnDisk)}
        {changes !== undefined && ` · ${layerText(changes)}`}
      </p>
    </div>
  )
}

function SpaceText({ image, files }: Pick<LayerListProps, 'image' | 'files'>): ReactNode {
  return (
    <>
      <p>
        {formatBytes(image.size)} on disk, {formatBytes(image.ownSize)} only for this image.
      </p>
      {files !== undefined && (
        <p>
          {files.wastedBytes === 0
            ? 'Every file stored is in sight.'
            : `${formatBytes(files.wastedBytes)} are stored but hidden by later layers.`}
        </p>
      )}
    </>
  )
}

interface LayerDetailsProps {
  readonly layer: ImageLayer | undefined
  readonly number: number
}

function LayerDetails({ layer, number }: LayerDetailsProps): ReactNode {
  if (layer === undefined) return null
  const { diffId, blobSize, entries } = layer
  const madeBy = instructionText(layer.createdBy)
  return (
    <>
      {madeBy !== '' && (
        // Long ones are scrolled, by keys, too.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className="layer-command" tabIndex={0} aria-label={`Command of layer ${number}`}>
          {madeBy}
        </pre>
      )}
      <p className="layer-digest">
        Layer {number} · <code>{shortDigest(diffId)}</code>
        <CopyButton text={diffId} label={`Copy the digest of layer ${number}`} />
      </p>
      <p>
        {formatBytes(blobSize)} compressed, {formatCount(entries)}{' '}
        {entries === 1 ? 'entry' : 'entries'}
      </p>
    </>
  )
}
