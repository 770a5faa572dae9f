// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent, type ReactNode } from 'react'
import { Button } from '../../ui/button'
import { EmptyState } from '../../ui/feedback'
import { keyText } from '../../ui/platform'
import { launchImage } from './launch'
import { openNewMachine } from './new-machine/open-new-machine'

/** What a new user sees first: one click to a machine, or any image by its name. */
export function EmptyMachines(): ReactNode {
  const [busy, setBusy] = useState(false)
  const launchStarter = (): void => {
    setBusy(true)
    void launchImage('starter').finally(() => setBusy(false))
  }
  return (
    <EmptyState title="No machines yet">
      <p>
        A machine is a container image that runs with a kernel of its own. The starter image is
        small, is here already, and needs no network.
      </p>
      <Button variant="primary" className="large" disabled={busy} onClick={launchStarter}>
        Launch the starter image
      </Button>
      <ReferenceForm />
      <p className="fine">
        {keyText('N')} opens all options, {keyText('K')} finds every command.
      </p>
    </EmptyState>
  )
}

function ReferenceForm(): ReactNode {
  const [reference, setReference] = useState('')
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (reference.trim() !== '') openNewMachine(reference.trim())
  }
  return (
    <form className="reference-form" onSubmit={submit}>
      <input
        type="text"
        aria-label="Image reference"
        placeholder="or paste a reference: debian:bookworm"
        spellCheck={false}
        value={reference}
        onChange={(event) => setReference(event.target.value)}
      />
      <Button type="submit" disabled={reference.trim() === ''}>
        Continue
      </Button>
    </form>
  )
}
