// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent, type ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { portForwardSchema, vmLimits, type PortForward } from '../../../../contract/vm-spec'
import { Button, IconButton } from '../../../ui/button'
import { CloseIcon } from '../../../ui/icons'
import { hostPortFor } from '../new-machine/host-port'
import { openPort } from '../port-links'
import { isUp } from '../state-text'
import { setPorts } from '../vm-actions'

/** Port forwards: which there are, more of them, fewer of them; at once while the machine runs. */
export function NetworkTab({ vm }: { readonly vm: VmView }): ReactNode {
  const [busy, setBusy] = useState(false)
  const running = isUp(vm.state.status)
  const ports = running ? vm.state.ports : vm.spec.ports
  const change = async (wanted: readonly PortForward[]): Promise<boolean> => {
    setBusy(true)
    const worked = await setPorts(vm, wanted)
    setBusy(false)
    return worked
  }
  return (
    <section className="network" aria-labelledby="ports">
      <div className="section-line">
        <h2 id="ports">Ports</h2>
        <span className="pill">{running ? 'applies now' : 'applies at next start'}</span>
      </div>
      <p className="fine">
        What listens in the machine, reachable from this computer only. The guest’s address is
        192.168.127.2; it reaches out through 192.168.127.1.
      </p>
      <ul className="port-list" aria-label="Forwarded ports">
        {ports.map((port) => (
          <PortItem
            key={`${port.host}:${port.guest}`}
            port={port}
            open={running}
            disabled={busy}
            onRemove={() => void change(ports.filter((other) => other !== port))}
          />
        ))}
        {ports.length === 0 && <li className="fine">None: no port of this computer is open.</li>}
      </ul>
      <AddPort ports={ports} busy={busy} add={(port) => change([...ports, port])} />
    </section>
  )
}

interface PortItemProps {
  readonly port: PortForward
  readonly open: boolean
  readonly disabled: boolean
  readonly onRemove: () => void
}

function PortItem({ port, open, disabled, onRemove }: PortItemProps): ReactNode {
  const address = `127.0.0.1:${port.host === 0 ? 'any' : port.host}`
  return (
    <li className="port-item">
      {open ? (
        <button type="button" className="link" onClick={() => openPort(port.host)}>
          {address}
        </button>
      ) : (
        <span>{address}</span>
      )}
      <span>→ {port.guest}</span>
      <IconButton
        label={`Remove ${address} → ${port.guest}`}
        disabled={disabled}
        onClick={onRemove}
      >
        <CloseIcon />
      </IconButton>
    </li>
  )
}

interface AddPortProps {
  readonly ports: readonly PortForward[]
  readonly busy: boolean
  readonly add: (port: PortForward) => Promise<boolean>
}

function AddPort({ ports, busy, add }: AddPortProps): ReactNode {
  const [guest, setGuest] = useState('')
  const [host, setHost] = useState('')
  const wanted = readPort(host, guest)
  const problem = problemOf(wanted, ports, host, guest)
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (wanted === undefined || problem !== '' || busy) return
    void add(wanted).then((added) => {
      if (!added) return
      setGuest('')
      setHost('')
    })
  }
  return (
    <form className="add-port" onSubmit={submit}>
      <label>
        Guest port
        <input
          type="text"
          inputMode="numeric"
          placeholder="80"
          value={guest}
          onChange={(event) => setGuest(event.target.value)}
        />
      </label>
      <label>
        Host port
        <input
          type="text"
          inputMode="numeric"
          placeholder={/^\d+$/.test(guest) ? `any, such as ${hostPortFor(Number(guest))}` : 'any'}
          value={host}
          onChange={(event) => setHost(event.target.value)}
        />
      </label>
      <Button type="submit" disabled={busy || wanted === undefined || problem !== ''}>
        {busy ? 'Forwarding…' : 'Forward'}
      </Button>
      {problem !== '' && <p className="field-error">{problem}</p>}
    </form>
  )
}

function readPort(host: string, guest: string): PortForward | undefined {
  const number = (text: string): number => (/^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN)
  const typed = { host: host.trim() === '' ? 0 : number(host), guest: number(guest) }
  return portForwardSchema.safeParse(typed).data
}

function problemOf(
  wanted: PortForward | undefined,
  ports: readonly PortForward[],
  host: string,
  guest: string,
): string {
  if (guest === '' && host === '') return ''
  if (wanted === undefined) return guest === '' ? '' : 'Ports are numbers from 1 to 65535.'
  if (ports.length >= vmLimits.ports) return `A machine has at most ${vmLimits.ports} forwards.`
  if (wanted.host !== 0 && ports.some((port) => port.host === wanted.host))
    return `Port ${wanted.host} is forwarded already.`
  return ''
}
