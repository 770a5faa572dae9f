// SPDX-License-Identifier: Apache-2.0
// The one dialog that makes machines. The draft is plain data (draft.ts judges it); sections only
// edit it. Enter launches whenever nothing is wrong.
import { useState, type SyntheticEvent, type ReactNode } from 'react'
import { Button } from '../../../ui/button'
import { Dialog } from '../../../ui/dialog'
import { ErrorPanel } from '../../../ui/feedback'
import { launch } from '../launch'
import { CommandSection } from './command-section'
import { DisksSection } from './disks-section'
import { FoldersSection } from './folders-section'
import { ImageField } from './image-field'
import { NameField } from './name-field'
import { closeNewMachine, useNewMachine } from './open-new-machine'
import { PortsSection } from './ports-section'
import { ResourcesSection } from './resources-section'
import { SameAs } from './same-as'
import { useDraft, type DraftState } from './use-draft'
import './new-machine.css'

export function NewMachineDialog(): ReactNode {
  const { open, image } = useNewMachine()
  if (!open) return null
  return (
    <Dialog title="New machine" className="new-machine" onClose={closeNewMachine}>
      <Form image={image} />
    </Dialog>
  )
}

function Form({ image }: { readonly image: string | undefined }): ReactNode {
  const state = useDraft(image)
  const { submit, busy, failure } = useSubmit(state)
  const missing = state.judged.ok ? undefined : Object.values(state.judged.errors)[0]
  return (
    <form className="new-machine-form" onSubmit={submit} noValidate>
      <div className="new-machine-body">
        <div className="new-machine-section">
          <ImageField state={state} />
          <NameField state={state} />
        </div>
        <ResourcesSection state={state} />
        <PortsSection state={state} />
        <FoldersSection state={state} />
        <DisksSection state={state} />
        <CommandSection state={state} />
        {failure !== undefined && (
          <ErrorPanel title="The machine was not created" error={failure} />
        )}
      </div>
      <footer className="new-machine-footer">
        <SameAs judged={state.judged} />
        <Button onClick={closeNewMachine}>Cancel</Button>
        <Button
          type="submit"
          variant="primary"
          shortcut="⏎"
          disabled={busy}
          aria-disabled={missing !== undefined}
          title={missing}
        >
          {busy ? 'Launching…' : 'Launch'}
        </Button>
      </footer>
    </form>
  )
}

interface Submit {
  readonly submit: (event: SyntheticEvent) => void
  readonly busy: boolean
  readonly failure: unknown
}

function useSubmit({ judged, showErrors }: DraftState): Submit {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<unknown>(undefined)
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (busy) return
    if (!judged.ok) return showErrors()
    setBusy(true)
    setFailure(undefined)
    launch(judged.spec)
      .then(closeNewMachine, setFailure)
      .finally(() => setBusy(false))
  }
  return { submit, busy, failure }
}
