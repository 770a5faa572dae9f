// SPDX-License-Identifier: Apache-2.0
import type { ContextMenu, DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'
import type { ExportFormat, ImageView } from '../../../contract/images'
import { openImage } from '../../app/route'
import { afterFocusReturned } from '../../ui/after-focus'
import { launchImage } from '../vms/launch'
import { copyText, exportImage } from './image-actions'
import { askAboutImage } from './image-dialogs'

interface ImageMenuProps {
  readonly image: ImageView
  /** At the pointer, or below a button. */
  readonly menu: typeof ContextMenu | typeof DropdownMenu
  /** Whether it stands in a list, where opening, launching and deleting have no buttons of their own. */
  readonly inList?: boolean
}

const formats: readonly (readonly [ExportFormat, string])[] = [
  ['oci', 'Export as OCI archive…'],
  ['docker', 'Export for docker load…'],
  ['rootfs', 'Export the files as tar…'],
]

/** Everything one can do with an image. */
export function ImageMenu({ image, menu: Menu, inList = false }: ImageMenuProps): ReactNode {
  const { reference, digest, builtIn } = image
  const item = (label: string, run: () => void, keys = '', tone = ''): ReactNode => (
    <Menu.Item className={`menu-item ${tone}`} onSelect={() => afterFocusReturned(run)}>
      {label}
      {keys !== '' && (
        <span className="menu-key" aria-hidden>
          {keys}
        </span>
      )}
    </Menu.Item>
  )
  return (
    <>
      {inList && item('Open', () => openImage(reference), 'Enter')}
      {inList && item('Launch', () => void launchImage(reference), 'L')}
      {inList && <Menu.Separator className="menu-line" />}
      {item('Copy reference', () => copyText(reference))}
      {item('Copy digest', () => copyText(digest))}
      {item('Add a name…', () => askAboutImage('tag', image))}
      <Menu.Separator className="menu-line" />
      {formats.map(([format, label]) => (
        <Menu.Item
          key={format}
          className="menu-item"
          onSelect={() => afterFocusReturned(() => void exportImage(reference, format))}
        >
          {label}
        </Menu.Item>
      ))}
      {inList && !builtIn && (
        <>
          <Menu.Separator className="menu-line" />
          {item('Delete…', () => askAboutImage('delete', image), 'Del', 'danger')}
        </>
      )}
    </>
  )
}
