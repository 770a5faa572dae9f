// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { diskAsText } from '../../../../contract/disk-text'
import { diskDevice, isDiskUrl, type BackendName } from '../../../../contract/vm-spec'
import { openImage } from '../../../app/route'
import { CopyButton } from '../../../ui/copy-button'
import { Fact, Facts } from '../../../ui/facts'
import { formatBytes, formatMib, formatPlural } from '../../../ui/format'
import { backendName, backendTitles } from '../backend-name'
import { quoteWord } from '../cli-command'
import { isUp } from '../state-text'

/** What the machine was made with, line by line. */
export function SettingsTab({ vm }: { readonly vm: VmView }): ReactNode {
  const { spec, state } = vm
  const showImage = (): void => openImage(spec.image)
  const env = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`)
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
      <Folders mounts={spec.mounts} />
      <Disks disks={spec.disks} state={state} />
      <OwnFact name="Command" value={commandText(spec.command)} />
      <OwnFact name="User" value={spec.user} />
      <OwnFact name="Working directory" value={spec.workdir} />
      <OwnFact name="Environment" value={env.join('\n') || undefined} />
      <Fact name="When it stops">{spec.autoRemove ? 'it is deleted' : 'it keeps its disk'}</Fact>
      <Fact name="Created">{new Date(vm.createdAt).toLocaleString()}</Fact>
      <Fact name="Backend">
        {state.backend === undefined
          ? backendWish(spec.backend)
          : `${backendName(state.backend)}${spec.backend === undefined ? '' : ', as you chose'}`}
      </Fact>
      <Fact name="Id" mono>
        {vm.id} <CopyButton text={vm.id} label="Copy the id" />
      </Fact>
    </Facts>
  )
}

function Folders({ mounts }: { readonly mounts: VmView['spec']['mounts'] }): ReactNode {
  const lines = mounts.map(
    ({ hostPath, guestPath, readOnly }) =>
      `${hostPath} → ${guestPath}${readOnly ? ' (read-only)' : ''}`,
  )
  return (
    <Fact name="Folders" mono={lines.length > 0}>
      <span className="lines">{lines.join('\n') || 'none shared'}</span>
    </Fact>
  )
}

interface DisksProps {
  readonly disks: VmView['spec']['disks']
  readonly state: VmView['state']
}

function Disks({ disks, state }: DisksProps): ReactNode {
  const lines = disks.map(({ readOnly, guestPath, ...disk }, index) => {
    const where = `${diskDevice(index)}${guestPath === undefined ? '' : ` → ${guestPath}`}`
    const bytes = state.diskBytes?.[index]
    const facts = [
      ...(bytes === undefined ? [] : [formatBytes(bytes)]),
      readOnly ? 'read-only' : diskUse(disk.source),
      ...(isUp(state.status) ? ['in use'] : []),
    ]
    return `${diskAsText(disk)} → ${where} (${facts.join(', ')})`
  })
  return (
    <Fact name="Extra disks" mono={lines.length > 0}>
      <span className="lines">{lines.join('\n') || 'none'}</span>
    </Fact>
  )
}

/** What is written stays where this says. */
const diskUse = (source: string): string =>
  isDiskUrl(source) ? 'a copy of the machine’s own' : 'written in place'

/** A setting that is the image's unless the user gave one. */
function OwnFact(props: { readonly name: string; readonly value: string | undefined }): ReactNode {
  if (props.value === undefined)
    return (
      <Fact name={props.name}>
        <span className="soft">the image’s own</span>
      </Fact>
    )
  return (
    <Fact name={props.name} mono>
      <span className="lines">{props.value}</span>
    </Fact>
  )
}

function backendWish(wish: BackendName | undefined): string {
  return wish === undefined ? 'chosen at start' : `${backendTitles[wish]}, as you chose`
}

function commandText(command: readonly string[] | undefined): string | undefined {
  if (command?.length === 0) return 'none: it waits for shells'
  return command?.map(quoteWord).join(' ')
}
