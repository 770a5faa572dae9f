// SPDX-License-Identifier: Apache-2.0
import { useMemo, type ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { formatBytes, formatCount, formatPercent, formatRate } from '../../../ui/format'
import type { Reading } from '../readings'
import { isUp } from '../state-text'
import { useReadings } from '../vm-store'
import { Chart, type Line } from './chart'

/** CPU, memory and network of the last five minutes. */
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

function CpuChart({ readings, last, cpus }: ChartProps & { readonly cpus: number }): ReactNode {
  const lines = useLines(readings, [{ color: '--chart-cpu', fill: true, of: (r) => r.cpuPercent }])
  return (
    <Chart
      title="CPU"
      figures={<Figure value={formatPercent(last.cpuPercent)} note={cpuNote(cpus)} />}
      times={readings}
      lines={lines}
      max={100}
      print={formatPercent}
    />
  )
}

const cpuNote = (cpus: number): string => (cpus === 1 ? 'of 1 CPU' : `of ${cpus} CPUs`)

function MemoryChart({ readings, last }: ChartProps): ReactNode {
  const lines = useLines(readings, [
    { color: '--chart-memory', fill: true, of: (r) => r.memoryUsedMib },
  ])
  return (
    <Chart
      title="Memory"
      figures={
        <Figure
          value={`${formatCount(last.memoryUsedMib)} MB`}
          note={`of ${formatCount(last.memoryTotalMib)} MB`}
        />
      }
      times={readings}
      lines={lines}
      max={last.memoryTotalMib}
      print={(mib) => `${formatCount(mib)} MB`}
    />
  )
}

function NetworkChart({ readings, last }: ChartProps): ReactNode {
  const lines = useLines(readings, [
    { color: '--chart-memory', fill: false, of: (r) => r.rxRate },
    { color: '--chart-cpu', fill: false, of: (r) => r.txRate },
  ])
  return (
    <Chart
      title="Network"
      figures={
        <>
          <Figure sign="▾" signClass="rx" value={formatRate(last.rxRate)} note="in" />
          <Figure sign="▴" signClass="tx" value={formatRate(last.txRate)} note="out" />
          <span className="fine">
            {formatBytes(last.rxBytes)} in, {formatBytes(last.txBytes)} out since start
          </span>
        </>
      }
      times={readings}
      lines={lines}
      max={undefined}
      print={formatRate}
    />
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
          {sign}
        </span>
      )}
      {value} <span className="fine">{note}</span>
    </span>
  )
}

interface LineSource {
  readonly color: string
  readonly fill: boolean
  readonly of: (reading: Reading) => number
}

function useLines(readings: readonly Reading[], sources: readonly LineSource[]): readonly Line[] {
  return useMemo(
    () => sources.map(({ color, fill, of }) => ({ color, fill, values: readings.map(of) })),
    // The sources of one chart never change; only what is read from them does.
    [readings],
  )
}
