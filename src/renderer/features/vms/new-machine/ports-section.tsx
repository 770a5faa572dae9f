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
  const taken = new Set(draft.ports.map((port) => port.guest))
  const offered = exposed.filter((port) => !taken.has(String(port)))
  const errors = draft.ports.map((_, index) => ({
    host: errorOf(`ports.${index}.host`),
    guest: errorOf(`ports.${index}.guest`),
  }))
  const wrong = errors.some(({ host, guest }) => host !== undefined || guest !== undefined)
  const add = (host: string, guest: string): void =>
    edit({ ports: [...draft.ports, { id: crypto.randomUUID(), host, guest }] })
  return (
    <Section title="Ports" summary={summary(draft.ports, exposed)} wrong={wrong}>
      {draft.ports.map((port, index) => (
        <PortRow
          key={port.id}
          port={port}
          errors={errors[index]}
          onChange={(changed) => edit({ ports: draft.ports.with(index, changed) })}
          onRemove={() => edit({ ports: draft.ports.toSpliced(index, 1) })}
        />
      ))}
      <div className="port-buttons">
        <Button onClick={() => add('', '')}>Add a port</Button>
        {offered.map((port) => (
          <Button key={port} onClick={() => add(String(hostPortFor(port)), String(port))}>
            Forward {port}
          </Button>
        ))}
      </div>
    </Section>
  )
}

function summary(ports: readonly PortDraft[], exposed: readonly number[]): string {
  const forwards = ports.map(({ host, guest }) => `${host || 'any'} → ${guest || '?'}`).join(', ')
  const hint = exposed.length > 0 ? `image exposes ${exposed.join(', ')}` : ''
  return [forwards, hint].filter(Boolean).join('  ·  ') || 'none'
}

interface PortRowProps {
  readonly port: PortDraft
  readonly errors:
    { readonly host?: string | undefined; readonly guest?: string | undefined } | undefined
  readonly onChange: (port: PortDraft) => void
  readonly onRemove: () => void
}

function PortRow({ port, errors, onChange, onRemove }: PortRowProps): ReactNode {
  const error = errors?.host ?? errors?.guest
  return (
    <div className="port-row">
      <span className="port-address">127.0.0.1:</span>
      <input
        type="text"
        inputMode="numeric"
        aria-label="Host port"
        aria-invalid={errors?.host !== undefined}
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
        aria-invalid={errors?.guest !== undefined}
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
