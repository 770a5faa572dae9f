// SPDX-License-Identifier: Apache-2.0
// Modal windows: focus stays inside, Escape closes, focus returns to where it was.
import { AlertDialog as RadixAlert, Dialog as RadixDialog } from 'radix-ui'
import { useState, type ReactNode } from 'react'
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
  const giveFocusBack = useFocusReturn()
  return (
    <RadixDialog.Root open onOpenChange={(open) => !open && props.onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="backdrop" />
        <RadixDialog.Content
          className={`dialog ${props.className ?? ''}`}
          aria-describedby={undefined}
          onEscapeKeyDown={keepForOpenList}
          onCloseAutoFocus={giveFocusBack}
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

/** What had the focus when the window opened gets it back, if it is still there. */
function useFocusReturn(): (event: Event) => void {
  const [before] = useState(() => document.activeElement)
  return (event) => {
    // Else it would go to a button of the window's own, which there is none of.
    event.preventDefault()
    if (before instanceof HTMLElement && before.isConnected) before.focus()
  }
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
  const giveFocusBack = useFocusReturn()
  return (
    <RadixAlert.Root open onOpenChange={(open) => !open && props.onClose()}>
      <RadixAlert.Portal>
        <RadixAlert.Overlay className="backdrop" />
        <RadixAlert.Content className="dialog confirm-dialog" onCloseAutoFocus={giveFocusBack}>
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
