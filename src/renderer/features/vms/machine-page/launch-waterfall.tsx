// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { useTimeText } from '../../../ui/clock'
import { formatMs } from '../../../ui/format'
import { stageAbout, stageLabel } from '../stages'
import { currentStage } from '../state-text'
import { layOutWaterfall, type WaterfallBar } from '../waterfall'

/** Where the time of the last launch went, stage by stage; grows while a launch is under way. */
export function LaunchWaterfall({ vm }: { readonly vm: VmView }): ReactNode {
  const current = useCurrent(vm)
  const { bars, total } = layOutWaterfall(vm.state.timeline, current)
  return (
    <section aria-labelledby="launch">
      <div className="section-line">
        <h2 id="launch">Launch</h2>
        {bars.length > 0 && <span className="fine">{formatMs(total)} in all</span>}
      </div>
      {bars.length === 0 ? (
        <p className="fine">Not launched yet.</p>
      ) : (
        <ol className="waterfall" data-testid="waterfall">
          {bars.map((bar) => (
            <Bar key={bar.name} bar={bar} />
          ))}
        </ol>
      )}
    </section>
  )
}

/** The stage under way and how far into the launch it is, once a second. */
function useCurrent(vm: VmView): { readonly name: string; readonly at: number } | undefined {
  const { status, startedAt } = vm.state
  const starting = status === 'starting' && startedAt !== undefined
  const elapsed = useTimeText((now) => (starting ? String(now - startedAt) : ''))
  const name = currentStage(vm)
  return starting && name !== '' ? { name, at: Number(elapsed) } : undefined
}

function Bar({ bar }: { readonly bar: WaterfallBar }): ReactNode {
  return (
    <li className={bar.open ? 'open' : ''} title={stageAbout(bar.name)}>
      <span className="waterfall-name">{stageLabel(bar.name)}</span>
      <span className="waterfall-track" aria-hidden>
        <span
          className="waterfall-bar"
          style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%` }}
        />
      </span>
      <span className="waterfall-ms">{bar.open ? '…' : formatMs(bar.ms)}</span>
    </li>
  )
}
