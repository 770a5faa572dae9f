// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { Button, IconButton } from '../../../ui/button'
import { CloseIcon } from '../../../ui/icons'
import type { PortDraft } from './draft'
import { hostPortFor } from './host-port'
import { Section } from './section'
import type { DraftState } from './use-draft'

export function PortsSection({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf, image } = state
  const exposed = image?.config.exposedPorts ?? []
  const taken = draft.ports.map((port) => port.guest)
  const offered = exposed.filter((port) => !taken.includes(String(port)))
  const wrong = draft.ports.some((_, index) => portError(errorOf, index) !== undefined)
  const add = (port: PortDraft): void => edit({ ports: [...draft.ports, port] })
  return (
    <Section title="Ports" summary={summary(draft.ports, exposed)} wrong={wrong}>
      {draft.ports.map((port, index) => (
        <PortRow
          key={index}
          port={port}
          error={portError(errorOf, index)}
          onChange={(changed) => edit({ ports: draft.ports.with(index, changed) })}
          onRemove={() => edit({ ports: draft.ports.toSpliced(index, 1) })}
        />
      ))}
      <div className="port-buttons">
        <Button onClick={() => add({ host: '', guest: '' })}>Add a port</Button>
        {offered.map((port) => (
          <Button
            key={port}
            onClick={() => add({ host: String(hostPortFor(port)), guest: String(port) })}
          >
            Forward {port}
          </Button>
        ))}
      </div>
    </Section>
  )
}

function portError(errorOf: DraftState['errorOf'], index: number): string | undefined {
  return errorOf(`ports.${index}.host`) ?? errorOf(`ports.${index}.guest`)
}

function summary(ports: readonly PortDraft[], exposed: readonly number[]): string {
  const forwards = ports.map(({ host, guest }) => `${host || 'any'} → ${guest || '?'}`).join(', ')
  const hint = exposed.length > 0 ? `image exposes ${exposed.join(', ')}` : ''
  return [forwards, hint].filter(Boolean).join('  ·  ') || 'none'
}

interface PortRowProps {
  readonly port: PortDraft
  readonly error: string | undefined
  readonly onChange: (port: PortDraft) => void
  readonly onRemove: () => void
}

function PortRow({ port, error, onChange, onRemove }: PortRowProps): ReactNode {
  return (
    <div className="port-row">
      <span className="port-address">127.0.0.1:</span>
      <input
        type="text"
        inputMode="numeric"
        aria-label="Host port"
        placeholder="any"
        value={port.host}
        onChange={(event) => onChange({ ...port, host: event.target.value })}
      />
      <span aria-hidden>→</span>
      <input
        // A row added empty is typed into at once.
        autoFocus={port.guest === ''}
        type="text"
        inputMode="numeric"
        aria-label="Guest port"
        aria-invalid={error !== undefined}
        placeholder="80"
        value={port.guest}
        onChange={(event) => onChange({ ...port, guest: event.target.value })}
      />
      <IconButton label="Remove this port" onClick={onRemove}>
        <CloseIcon />
      </IconButton>
      {error !== undefined && <p className="field-error">{error}</p>}
    </div>
  )
}
