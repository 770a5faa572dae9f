// SPDX-License-Identifier: Apache-2.0
import { useMemo, type ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { formatBytes, formatCount, formatPercent, formatRate } from '../../../ui/format'
import { chartSpan, type Reading } from '../readings'
import { isUp } from '../state-text'
import { useReadings } from '../vm-store'
import { Chart, type Series } from './chart'

/** CPU, memory and network of the last minutes. */
export function LiveCharts({ vm }: { readonly vm: VmView }): ReactNode {
  const readings = useReadings(vm.id)
  const last = readings.at(-1)
  if (last === undefined)
    return (
      <p className="no-charts fine">
        {isUp(vm.state.status)
          ? 'The first readings come a moment after the machine is up.'
          : 'CPU, memory and network show here while the machine runs.'}
      </p>
    )
  return (
    <>
      <CpuChart readings={readings} last={last} cpus={vm.spec.cpus} />
      <MemoryChart readings={readings} last={last} />
      <NetworkChart readings={readings} last={last} />
    </>
  )
}

interface ChartProps {
  readonly readings: readonly Reading[]
  readonly last: Reading
}

type Source = Series & { readonly of: (reading: Reading) => number }

const cpuSources: readonly Source[] = [
  { color: '--chart-cpu', fill: true, of: (reading) => reading.cpuPercent },
]
const memorySources: readonly Source[] = [
  { color: '--chart-memory', fill: true, of: (reading) => reading.memoryUsedMib },
]
const networkSources: readonly Source[] = [
  { color: '--chart-memory', fill: false, of: (reading) => reading.rxRate },
  { color: '--chart-cpu', fill: false, of: (reading) => reading.txRate },
]

/** Seconds, then one row of values per source. */
function useData(readings: readonly Reading[], sources: readonly Source[]): number[][] {
  return useMemo(
    () => [readings.map(({ at }) => at / 1000), ...sources.map(({ of }) => readings.map(of))],
    [readings, sources],
  )
}

function CpuChart({ readings, last, cpus }: ChartProps & { readonly cpus: number }): ReactNode {
  const data = useData(readings, cpuSources)
  const span = chartSpan((readings[0]?.at ?? last.at) / 1000, last.at / 1000)
  const note = cpus === 1 ? 'of 1 CPU' : `of ${cpus} CPUs`
  return (
    <Chart title="CPU" series={cpuSources} data={data} max={100} print={formatPercent}>
      <Figure value={formatPercent(last.cpuPercent)} note={note} />
      <span className="fine chart-window">last {span / 60} min</span>
    </Chart>
  )
}

function MemoryChart({ readings, last }: ChartProps): ReactNode {
  const data = useData(readings, memorySources)
  const { memoryUsedMib, memoryTotalMib } = last
  return (
    <Chart title="Memory" series={memorySources} data={data} max={memoryTotalMib} print={printMib}>
      <Figure value={printMib(memoryUsedMib)} note={`of ${printMib(memoryTotalMib)}`} />
    </Chart>
  )
}

function printMib(mib: number): string {
  return `${formatCount(mib)} MB`
}

function NetworkChart({ readings, last }: ChartProps): ReactNode {
  const data = useData(readings, networkSources)
  return (
    <Chart title="Network" series={networkSources} data={data} max={undefined} print={formatRate}>
      <Figure sign="▾" signClass="rx" value={formatRate(last.rxRate)} note="in" />
      <Figure sign="▴" signClass="tx" value={formatRate(last.txRate)} note="out" />
      <span className="fine">
        {formatBytes(last.rxBytes)} in, {formatBytes(last.txBytes)} out since start
      </span>
    </Chart>
  )
}

interface FigureProps {
  readonly sign?: string
  readonly signClass?: string
  readonly value: string
  readonly note: string
}

function Figure({ sign, signClass, value, note }: FigureProps): ReactNode {
  return (
    <span className="figure">
      {sign !== undefined && (
        <span className={signClass} aria-hidden>
          {sign}{' '}
        </span>
      )}
      {value} <span className="fine">{note}</span>
    </span>
  )
}
