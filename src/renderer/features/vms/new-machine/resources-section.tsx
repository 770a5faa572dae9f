// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { vmLimits } from '../../../../contract/vm-spec'
import { formatMib, formatMibRoughly, formatPlural } from '../../../ui/format'
import { BackendField } from './backend-field'
import { parseMib, parseWhole, sizeStops } from './quantities'
import { Section } from './section'
import { SliderField } from './slider-field'
import type { DraftState } from './use-draft'

export function ResourcesSection({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf, host } = state
  const memoryMax = host?.memoryMib ?? 16_384
  const diskMax = Math.min(vmLimits.diskMib.max, 256 * 1024)
  const cores = Math.min(vmLimits.cpus.max, host?.cores ?? vmLimits.cpus.max)
  const wrong = ['cpus', 'memoryMib', 'diskMib'].some((f) => errorOf(f) !== undefined)
  return (
    <Section title="Resources" summary={summary(state)} wrong={wrong}>
      <SliderField
        label="CPUs"
        value={draft.cpus}
        error={errorOf('cpus')}
        stops={Array.from({ length: cores }, (_, index) => index + 1)}
        parse={parseWhole}
        print={String}
        onChange={(cpus) => edit({ cpus })}
      />
      <SliderField
        label="Memory"
        value={draft.memoryMib}
        error={errorOf('memoryMib')}
        stops={sizeStops(128, memoryMax)}
        parse={parseMib}
        print={formatMib}
        onChange={(memoryMib) => edit({ memoryMib })}
      />
      <SliderField
        label="Disk"
        value={draft.diskMib}
        error={errorOf('diskMib')}
        stops={sizeStops(1024, diskMax)}
        parse={parseMib}
        print={formatMib}
        onChange={(diskMib) => edit({ diskMib })}
      />
      <BackendField state={state} />
      <p className="fine">The disk grows with what is written: it takes no room before.</p>
    </Section>
  )
}

function summary({ draft, host }: DraftState): string {
  const asked = [
    Number.isNaN(draft.cpus) ? '?' : formatPlural(draft.cpus, 'CPU'),
    Number.isNaN(draft.memoryMib) ? '?' : formatMib(draft.memoryMib),
    Number.isNaN(draft.diskMib) ? '?' : `${formatMib(draft.diskMib)} disk`,
  ].join(', ')
  if (host === undefined) return asked
  const cores = formatPlural(host.cores, 'core')
  const memory = formatMibRoughly(host.memoryMib)
  return `${asked}  ·  host: ${cores}, ${memory}, ${formatMibRoughly(host.diskFreeMib)} free`
}
