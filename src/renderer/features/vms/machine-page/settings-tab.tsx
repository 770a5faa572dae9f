// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { navigate } from '../../../app/route'
import { CopyButton } from '../../../ui/copy-button'
import { Fact, Facts } from '../../../ui/facts'
import { formatMib, formatPlural } from '../../../ui/format'
import { quoteWord } from '../cli-command'

/** What the machine was made with, line by line. */
export function SettingsTab({ vm }: { readonly vm: VmView }): ReactNode {
  const { spec, state } = vm
  const showImage = (): void => navigate({ page: 'image', reference: spec.image })
  const env = Object.entries(spec.env)
  return (
    <Facts>
      <Fact name="Image">
        <button type="button" className="link" onClick={showImage}>
          {spec.image}
        </button>
      </Fact>
      <Fact name="CPUs">{formatPlural(spec.cpus, 'CPU')}</Fact>
      <Fact name="Memory">{formatMib(spec.memoryMib)}</Fact>
      <Fact name="Disk">{formatMib(spec.diskMib)}, taken up as it is written</Fact>
      <Fact name="Command" mono>
        {commandText(spec.command)}
      </Fact>
      <Fact name="User" mono>
        {spec.user ?? 'the image’s'}
      </Fact>
      <Fact name="Working directory" mono>
        {spec.workdir ?? 'the image’s'}
      </Fact>
      <Fact name="Environment" mono>
        {env.length === 0
          ? 'the image’s'
          : env.map(([name, value]) => <div key={name}>{`${name}=${value}`}</div>)}
      </Fact>
      <Fact name="When it stops">{spec.autoRemove ? 'it is deleted' : 'it keeps its disk'}</Fact>
      <Fact name="Created">{new Date(vm.createdAt).toLocaleString()}</Fact>
      <Fact name="Backend">
        {state.backend === undefined
          ? 'chosen at start'
          : `${state.backend.name} · ${state.backend.accelerator}`}
      </Fact>
      <Fact name="Id" mono>
        {vm.id} <CopyButton text={vm.id} label="Copy the id" />
      </Fact>
    </Facts>
  )
}

function commandText(command: readonly string[] | undefined): string {
  if (command === undefined) return 'the image’s'
  return command.length === 0 ? 'none: it waits for shells' : command.map(quoteWord).join(' ')
}
