// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, type ReactNode, type RefObject } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useColorScheme } from '../../../ui/use-color-scheme'

export interface Line {
  /** Name of the colour token. */
  readonly color: string
  readonly fill: boolean
  readonly values: readonly number[]
}

interface ChartProps {
  readonly title: string
  readonly figures: ReactNode
  /** When the values were read, ascending. */
  readonly times: readonly { readonly at: number }[]
  readonly lines: readonly Line[]
  /** The value at the top; undefined: a little over the highest. */
  readonly max: number | undefined
  readonly print: (value: number) => string
}

const HEIGHT = 112
const WINDOW_SECONDS = 300

/** Lines over the last five minutes, the present at the right edge. The figures say it in words. */
export function Chart(props: ChartProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  usePlot(place, props)
  return (
    <section className="chart" aria-label={props.title}>
      <div className="chart-head">
        <h2>{props.title}</h2>
        <div className="chart-figures">{props.figures}</div>
      </div>
      <div className="chart-plot" ref={place} aria-hidden />
    </section>
  )
}

function usePlot(place: RefObject<HTMLDivElement | null>, props: ChartProps): void {
  const plot = useRef<uPlot>(undefined)
  const scheme = useColorScheme()
  const { lines, times, max } = props
  const key = lines.map((line) => line.color).join()
  useEffect(() => {
    const container = place.current
    if (container === null) return undefined
    const made = new uPlot(options(container, props), toData(times, lines), container)
    plot.current = made
    const resizes = new ResizeObserver(() =>
      made.setSize({ width: container.clientWidth, height: HEIGHT }),
    )
    resizes.observe(container)
    return () => {
      resizes.disconnect()
      made.destroy()
      plot.current = undefined
    }
    // New readings are drawn below; only the theme or the top value need a new plot.
  }, [place, scheme, key, max])
  useEffect(() => plot.current?.setData(toData(times, lines)), [times, lines])
}

function toData(times: ChartProps['times'], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map(({ at }) => at / 1000), ...lines.map((line) => [...line.values])]
}

function options(container: HTMLElement, { lines, max, print }: ChartProps): uPlot.Options {
  const styles = getComputedStyle(container)
  const token = (name: string): string => styles.getPropertyValue(name).trim()
  const axis = { stroke: token('--text-faint'), font: `11px ${styles.fontFamily}` }
  const grid = { stroke: token('--line-soft'), width: 1 }
  return {
    width: container.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_plot, _min, newest) => [newest - WINDOW_SECONDS, newest] },
      y: { range: (_plot, _min, highest) => [0, max ?? Math.max(10_000, highest * 1.15)] },
    },
    axes: [
      { ...axis, show: false, size: 0 },
      {
        ...axis,
        size: 72,
        gap: 6,
        grid,
        ticks: { show: false },
        splits: (_plot, _axis, low, high) => [low, (low + high) / 2, high],
        values: (_plot, splits) => splits.map(print),
      },
    ],
    padding: [8, 4, 4, 0],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: token(line.color),
        width: 1.5,
        points: { show: false },
        ...(line.fill ? { fill: `${token(line.color)}22` } : {}),
      })),
    ],
  }
}
