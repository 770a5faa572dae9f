// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, type ReactNode } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useColorScheme } from '../../../ui/use-color-scheme'
import { chartSpan } from '../readings'

/** How one row of values is drawn. */
export interface Series {
  /** Name of the colour token. */
  readonly color: string
  readonly fill: boolean
}

interface PlotProps {
  readonly series: readonly Series[]
  /** Seconds since the epoch, ascending; then one row of values per series. */
  readonly data: number[][]
  /** The value at the top; undefined: a little over the highest. */
  readonly max: number | undefined
  readonly print: (value: number) => string
}

const HEIGHT = 112
/** Without a given top: a network that does nothing shall look so. */
const LEAST_TOP = 10_000

/** Lines over the last minutes, the present at the right edge. `children`: the same in figures. */
export function Chart({
  title,
  children,
  ...plot
}: PlotProps & { readonly title: string; readonly children: ReactNode }): ReactNode {
  const scheme = useColorScheme()
  return (
    <section className="chart" aria-label={title}>
      <div className="chart-head">
        <h2>{title}</h2>
        <div className="chart-figures">{children}</div>
      </div>
      {/* Colours are read when a plot is made: another theme, another plot. */}
      <Plot key={scheme} {...plot} />
    </section>
  )
}

function Plot({ series, data, max, print }: PlotProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef(data)
  useEffect(() => {
    latest.current = data
    plot.current?.setData(data as uPlot.AlignedData)
  }, [data])
  useEffect(() => {
    const container = place.current
    if (container === null) return undefined
    const made = new uPlot(
      options(container, series, max, print),
      latest.current as uPlot.AlignedData,
      container,
    )
    plot.current = made
    const resizes = new ResizeObserver(() =>
      made.setSize({ width: container.clientWidth, height: HEIGHT }),
    )
    resizes.observe(container)
    return () => {
      resizes.disconnect()
      made.destroy()
    }
  }, [series, max, print])
  return <div className="chart-plot" ref={place} aria-hidden />
}

function options(
  container: HTMLElement,
  series: readonly Series[],
  max: number | undefined,
  print: (value: number) => string,
): uPlot.Options {
  const styles = getComputedStyle(container)
  const token = (name: string): string => styles.getPropertyValue(name).trim()
  const axis = { stroke: token('--text-faint'), font: `11px ${styles.fontFamily}` }
  return {
    width: container.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: {
        time: true,
        range: (_plot, oldest, newest) => [newest - chartSpan(oldest, newest), newest],
      },
      y: { range: (_plot, _low, high) => [0, max ?? Math.max(LEAST_TOP, high * 1.15)] },
    },
    axes: [
      { show: false },
      {
        ...axis,
        size: 72,
        gap: 6,
        grid: { stroke: token('--line-soft'), width: 1 },
        ticks: { show: false },
        splits: (_plot, _axis, low, high) => [low, (low + high) / 2, high],
        values: (_plot, splits) => splits.map(print),
      },
    ],
    padding: [8, 4, 4, 0],
    series: [{}, ...series.map((line) => lineOptions(token(line.color), line.fill))],
  }
}

function lineOptions(color: string, fill: boolean): uPlot.Series {
  const line = { stroke: color, width: 1.5, points: { show: false } }
  return fill ? { ...line, fill: `${color}22` } : line
}
