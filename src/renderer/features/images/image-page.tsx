// SPDX-License-Identifier: Apache-2.0
// One image: its layers with the commands that made them, and its configuration.
import { Tabs } from 'radix-ui'
import { useState, type ReactNode } from 'react'
import type { ImageLayer, ImageView } from '../../../contract/images'
import { navigate } from '../../app/route'
import { Button } from '../../ui/button'
import { CopyButton } from '../../ui/copy-button'
import { EmptyState, SkeletonRows } from '../../ui/feedback'
import { formatBytes, formatCount, shortDigest } from '../../ui/format'
import { launchImage } from '../vms/launch'
import { DeleteImageDialog } from './delete-image-dialog'
import { ImageConfiguration } from './image-configuration'
import { instructionText } from './instruction-text'
import { useImages } from './image-store'
import './images.css'

const showList = (): void => navigate({ page: 'images' })

export function ImagePage({ reference }: { readonly reference: string }): ReactNode {
  const load = useImages((state) => state.load)
  const image = useImages((state) => state.list.find((i) => i.reference === reference))
  return (
    <main className="page" aria-label={`Image ${reference}`}>
      <header className="page-header">
        <div className="crumbs">
          <button type="button" className="crumb" onClick={showList}>
            Images
          </button>
          <span aria-hidden>/</span>
          <h1 className="cut">{reference}</h1>
          {image !== undefined && <span className="pill">{image.platform}</span>}
        </div>
        {image !== undefined && <ImageActions image={image} />}
      </header>
      {image !== undefined && <ImageTabs image={image} />}
      {image === undefined && load === 'loading' && <SkeletonRows rows={4} />}
      {image === undefined && load !== 'loading' && (
        <EmptyState title={`${reference} is not on this computer`}>
          <Button onClick={showList}>Show all images</Button>
        </EmptyState>
      )}
    </main>
  )
}

function ImageActions({ image }: { readonly image: ImageView }): ReactNode {
  const [deleting, setDeleting] = useState(false)
  return (
    <div className="page-actions">
      {!image.builtIn && <Button onClick={() => setDeleting(true)}>Delete</Button>}
      <Button variant="primary" onClick={() => void launchImage(image.reference)}>
        Launch
      </Button>
      {deleting && (
        <DeleteImageDialog image={image} onClose={() => setDeleting(false)} onDeleted={showList} />
      )}
    </div>
  )
}

function ImageTabs({ image }: { readonly image: ImageView }): ReactNode {
  return (
    <Tabs.Root className="tabs" defaultValue="layers">
      <Tabs.List className="tab-list" aria-label="Image">
        <Tabs.Trigger className="tab" value="layers">
          Layers
        </Tabs.Trigger>
        <Tabs.Trigger className="tab" value="configuration">
          Configuration
        </Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content className="tab-content" value="layers">
        <ol className="layers">
          {image.layers.map((layer, index) => (
            <LayerItem key={layer.diffId} layer={layer} number={index + 1} />
          ))}
        </ol>
        <p className="fine inset">
          {formatBytes(image.size)} on disk, {formatBytes(image.ownSize)} only for this image.
        </p>
      </Tabs.Content>
      <Tabs.Content className="tab-content" value="configuration">
        <ImageConfiguration image={image} />
      </Tabs.Content>
    </Tabs.Root>
  )
}

interface LayerItemProps {
  readonly layer: ImageLayer
  readonly number: number
}

function LayerItem({ layer, number }: LayerItemProps): ReactNode {
  const madeBy = instructionText(layer.createdBy)
  return (
    <li className="layer">
      <span className="layer-number">{number}</span>
      <div className="layer-text">
        <code className={madeBy === '' ? 'unknown' : ''} title={layer.createdBy}>
          {madeBy === '' ? 'made by an unknown command' : madeBy}
        </code>
        <p>
          {formatBytes(layer.sizeOnDisk)} on disk · {formatBytes(layer.blobSize)} compressed ·{' '}
          {formatCount(layer.entries)} {layer.entries === 1 ? 'entry' : 'entries'}
        </p>
      </div>
      <code className="layer-digest">{shortDigest(layer.diffId)}</code>
      <CopyButton text={layer.diffId} label={`Copy the digest of layer ${number}`} />
    </li>
  )
}
