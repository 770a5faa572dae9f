// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import type { TimelineEvent } from '../../../../contract/vm-state'
import { useTimeText } from '../../../ui/clock'
import { formatMs } from '../../../ui/format'
import { stageAbout, stageLabel } from '../stages'
import { currentStage } from '../state-text'
import { layOutWaterfall, type WaterfallBar } from '../waterfall'

/** Where the time of the last launch went, stage by stage; grows while a launch is under way. */
export function LaunchWaterfall({ vm }: { readonly vm: VmView }): ReactNode {
  const current = useCurrent(vm)
  const { bars, total } = layOutWaterfall(vm.state.timeline, current)
  const unmeasured = current !== undefined && vm.state.startedAt === undefined
  return (
    <section aria-labelledby="launch">
      <div className="section-line">
        <h2 id="launch">Launch</h2>
        {bars.length > 0 && !unmeasured && <span className="fine">{formatMs(total)} in all</span>}
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

/**
 * The stage under way and how far into the launch it is, once a second. Until the launch says when
 * it began, the stage stands there without a measure.
 */
function useCurrent(vm: VmView): TimelineEvent | undefined {
  const { status, startedAt, timeline } = vm.state
  const starting = status === 'starting'
  const elapsed = useTimeText((now) =>
    starting && startedAt !== undefined ? String(now - startedAt) : '',
  )
  const name = currentStage(vm)
  if (!starting || name === '') return undefined
  return { name, at: elapsed === '' ? (timeline.at(-1)?.at ?? 0) + 1 : Number(elapsed) }
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
