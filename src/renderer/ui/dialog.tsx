// SPDX-License-Identifier: Apache-2.0
// Modal windows: focus stays inside, Escape closes, focus returns to where it was.
import { AlertDialog as RadixAlert, Dialog as RadixDialog } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly className?: string
  /** Hides the title from sight, not from screen readers. */
  readonly titleHidden?: boolean
  readonly children: ReactNode
}

/** A modal window; Escape and a click beside it close it. */
export function Dialog(props: DialogProps): ReactNode {
  return (
    <RadixDialog.Root open onOpenChange={(open) => !open && props.onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="backdrop" />
        <RadixDialog.Content
          className={`dialog ${props.className ?? ''}`}
          aria-describedby={undefined}
          onEscapeKeyDown={keepForOpenList}
        >
          <RadixDialog.Title
            className={props.titleHidden === true ? 'hidden-text' : 'dialog-title'}
          >
            {props.title}
          </RadixDialog.Title>
          {props.children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  )
}

/** Escape in a field whose list is open closes the list, not the window; the field says so itself. */
function keepForOpenList(event: globalThis.KeyboardEvent): void {
  if (event.target instanceof Element && event.target.matches('[data-list-open=true]'))
    event.preventDefault()
}

interface ConfirmDialogProps {
  readonly title: string
  readonly action: string
  readonly danger?: boolean
  readonly onConfirm: () => void
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Asks once before something that cannot be undone; the title names the thing. */
export function ConfirmDialog(props: ConfirmDialogProps): ReactNode {
  return (
    <RadixAlert.Root open onOpenChange={(open) => !open && props.onClose()}>
      <RadixAlert.Portal>
        <RadixAlert.Overlay className="backdrop" />
        <RadixAlert.Content className="dialog confirm-dialog">
          <RadixAlert.Title className="dialog-title">{props.title}</RadixAlert.Title>
          <RadixAlert.Description asChild>
            <div className="dialog-text">{props.children}</div>
          </RadixAlert.Description>
          <div className="dialog-actions">
            <RadixAlert.Cancel asChild>
              <Button>Cancel</Button>
            </RadixAlert.Cancel>
            <RadixAlert.Action asChild>
              <Button
                variant={props.danger === true ? 'danger' : 'primary'}
                onClick={props.onConfirm}
              >
                {props.action}
              </Button>
            </RadixAlert.Action>
          </div>
        </RadixAlert.Content>
      </RadixAlert.Portal>
    </RadixAlert.Root>
  )
}
