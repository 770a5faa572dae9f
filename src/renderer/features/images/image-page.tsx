// SPDX-License-Identifier: Apache-2.0
// One image: its layers with the commands that made them and their files, and its configuration.
import { Tabs } from 'radix-ui'
import { useState, type ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { navigate } from '../../app/route'
import { Button } from '../../ui/button'
import { EmptyState, SkeletonRows } from '../../ui/feedback'
import { launchImage } from '../vms/launch'
import { DeleteImageDialog } from './delete-image-dialog'
import { FileBrowser } from './file-browser'
import { ImageConfiguration } from './image-configuration'
import { useImages } from './image-store'
import './images.css'
import './browser.css'

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
      <Tabs.Content className="tab-content full" value="layers">
        <FileBrowser key={image.digest} image={image} />
      </Tabs.Content>
      <Tabs.Content className="tab-content" value="configuration">
        <ImageConfiguration image={image} />
      </Tabs.Content>
    </Tabs.Root>
  )
}
