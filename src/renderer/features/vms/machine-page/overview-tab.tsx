// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { useHost } from '../../../app/host-store'
import { CommandLine } from '../../../ui/copy-button'
import { quoteWord } from '../cli-command'
import { openPort, portText } from '../port-links'
import { LiveCharts } from './live-charts'
import { LaunchWaterfall } from './launch-waterfall'

/** How it came up, how it does, how to get in. */
export function OverviewTab({ vm }: { readonly vm: VmView }): ReactNode {
  return (
    <div className="overview">
      <div className="overview-main">
        <LiveCharts vm={vm} />
      </div>
      <div className="overview-side">
        <LaunchWaterfall vm={vm} />
        <Connect vm={vm} />
      </div>
    </div>
  )
}

function Connect({ vm }: { readonly vm: VmView }): ReactNode {
  const cli = useHost((state) => state.info?.cli) ?? 'microvm'
  const name = quoteWord(vm.spec.name)
  return (
    <section aria-labelledby="connect">
      <h2 id="connect">How to connect</h2>
      <CommandLine command={`${cli} shell ${name}`} label="Copy the shell command" />
      <CommandLine command={`${cli} exec ${name} -- uname -a`} label="Copy the exec command" />
      <p className="fine">
        {vm.state.ports.length === 0
          ? 'No port is forwarded: nothing on this computer reaches the machine but these.'
          : 'From this computer, and only from it:'}
      </p>
      <ul className="plain-list">
        {vm.state.ports.map((port) => (
          <li key={`${port.host}:${port.guest}`}>
            <button type="button" className="link" onClick={() => openPort(port.host)}>
              127.0.0.1:{portText(port)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
