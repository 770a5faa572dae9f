// SPDX-License-Identifier: Apache-2.0
// One image: its layers with the commands that made them and their files, and its configuration.
import { DropdownMenu, Tabs } from 'radix-ui'
import type { ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { navigate, openImage, openMachine, type ImageTab } from '../../app/route'
import { Button } from '../../ui/button'
import { EmptyState, SkeletonRows } from '../../ui/feedback'
import { formatPlural } from '../../ui/format'
import { ChevronDownIcon } from '../../ui/icons'
import { StatusDot } from '../../ui/status-dot'
import { launchImage } from '../vms/launch'
import { stateText } from '../vms/state-text'
import { useVm } from '../vms/vm-store'
import { FileBrowser } from './file-browser'
import { ImageConfiguration } from './image-configuration'
import { askAboutImage } from './image-dialogs'
import { ImageMenu } from './image-menu'
import { useImages } from './image-store'
import { useImageUsers } from './image-users'
import { ReferenceText } from './reference-text'
import './images.css'
import './browser.css'

const showList = (): void => navigate({ page: 'images' })

interface ImagePageProps {
  readonly reference: string
  readonly tab: ImageTab
}

export function ImagePage({ reference, tab }: ImagePageProps): ReactNode {
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
          <h1 className="image-title" aria-label={reference}>
            <ReferenceText reference={reference} />
          </h1>
          {image !== undefined && <span className="pill image-platform">{image.platform}</span>}
        </div>
        {image !== undefined && <ImageActions image={image} />}
      </header>
      {image !== undefined && <ImageTabs image={image} tab={tab} />}
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
  return (
    <div className="page-actions">
      <MoreMenu image={image} />
      {!image.builtIn && <Button onClick={() => askAboutImage('delete', image)}>Delete</Button>}
      <Button variant="primary" onClick={() => void launchImage(image.reference)}>
        Launch
      </Button>
    </div>
  )
}

function MoreMenu({ image }: { readonly image: ImageView }): ReactNode {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button variant="quiet">
          More <ChevronDownIcon />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <ImageMenu image={image} menu={DropdownMenu} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface ImageTabsProps {
  readonly image: ImageView
  readonly tab: ImageTab
}

function ImageTabs({ image, tab }: ImageTabsProps): ReactNode {
  const users = useImageUsers(image)
  return (
    <Tabs.Root
      className="tabs"
      value={tab}
      onValueChange={(value) => openImage(image.reference, value as ImageTab)}
    >
      <Tabs.List className="tab-list" aria-label="Image">
        <Tabs.Trigger className="tab" value="layers">
          Layers
        </Tabs.Trigger>
        <Tabs.Trigger className="tab" value="configuration">
          Configuration
        </Tabs.Trigger>
        <Tabs.Trigger className="tab" value="users">
          {users.length === 0
            ? 'Used by no machine'
            : `Used by ${formatPlural(users.length, 'machine')}`}
        </Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content className="tab-content full" value="layers">
        <FileBrowser key={image.digest} image={image} />
      </Tabs.Content>
      <Tabs.Content className="tab-content" value="configuration">
        <ImageConfiguration image={image} />
      </Tabs.Content>
      <Tabs.Content className="tab-content full" value="users">
        <Users image={image} />
      </Tabs.Content>
    </Tabs.Root>
  )
}

/** The machines that need it, each with what it does now. */
function Users({ image }: { readonly image: ImageView }): ReactNode {
  const users = useImageUsers(image)
  if (users.length === 0)
    return (
      <EmptyState title="No machine was made from it">
        <p>It can be deleted without harm to any machine.</p>
        <Button onClick={() => void launchImage(image.reference)}>Launch one</Button>
      </EmptyState>
    )
  return (
    <ul className="user-list" aria-label="Machines">
      {users.map(({ id }) => (
        <User key={id} id={id} />
      ))}
    </ul>
  )
}

function User({ id }: { readonly id: string }): ReactNode {
  const vm = useVm(id)
  if (vm === undefined) return null
  const { tone, word } = stateText(vm)
  return (
    <li className="user">
      <StatusDot tone={tone} />
      <button type="button" className="name-link" onClick={() => openMachine(id)}>
        {vm.spec.name}
      </button>
      <span className="soft">{word}</span>
    </li>
  )
}
