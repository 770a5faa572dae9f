// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { call } from '../../api/client'
import type { PortForward } from '../../../contract/vm-spec'
import { orToast } from '../../ui/toast-store'

/** "8080 → 80", or "5432" where both are the same. */
export function portText({ host, guest }: PortForward): string {
  if (host === 0) return `any → ${guest}`
  return host === guest ? `${host}` : `${host} → ${guest}`
}

/** Opens what a forwarded port serves, in the system's browser. */
export function openPort(host: number): void {
  const url = `http://127.0.0.1:${host}`
  void orToast(`${url} was not opened`, call('app.openExternal', { url }))
}

const SHOWN = 2

/** The forwards in force, as links into the browser; the rest as a count. */
export function PortLinks({ ports }: { readonly ports: readonly PortForward[] }): ReactNode {
  const more = ports.slice(SHOWN)
  return (
    <>
      {ports.slice(0, SHOWN).map((port) => (
        <button
          key={`${port.host}:${port.guest}`}
          type="button"
          className="link"
          tabIndex={-1}
          title={`Open http://127.0.0.1:${port.host}`}
          onClick={() => openPort(port.host)}
        >
          {portText(port)}
        </button>
      ))}
      {more.length > 0 && <span title={more.map(portText).join(', ')}>+{more.length}</span>}
    </>
  )
}
