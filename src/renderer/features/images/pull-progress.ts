// SPDX-License-Identifier: Apache-2.0
// How far a pull is, in numbers and words. Pure.
import type { LayerProgress, Progress } from '../../../contract/images'
import { formatBytes, formatPercent, formatPlural } from '../../ui/format'

/** 0 to 1; undefined if it cannot be known yet. */
export function progressFraction(progress: Progress | undefined): number | undefined {
  if (progress === undefined) return undefined
  if (progress.fraction !== undefined) return progress.fraction
  const layers = progress.layers ?? []
  const total = layers.reduce((sum, layer) => sum + layer.total, 0)
  if (total === 0 || layers.some((layer) => layer.total === 0 && !isDone(layer))) return undefined
  const bytes = layers.reduce(
    (sum, l) => sum + (isDone(l) ? l.total : Math.min(l.bytes, l.total)),
    0,
  )
  return bytes / total
}

/** "3 of 8 layers · 61 %"; '' before anything is known. */
export function progressText(progress: Progress | undefined): string {
  const layers = progress?.layers ?? []
  const fraction = progressFraction(progress)
  const percent = fraction === undefined ? '' : formatPercent(fraction * 100)
  if (layers.length === 0) return percent
  const done = layers.filter(isDone).length
  return [`${done} of ${formatPlural(layers.length, 'layer')}`, percent].filter(Boolean).join(' · ')
}

/** What a screen reader says of it: once at the start, then at every quarter. */
export function spokenProgress(title: string, progress: Progress | undefined): string {
  const quarters = Math.floor((progressFraction(progress) ?? 0) * 4)
  return quarters === 0 ? title : `${title}: ${quarters * 25} %`
}

/** "12 MB of 48 MB", "unpacking", "here already". */
export function layerText(layer: LayerProgress): string {
  if (layer.state === 'reused') return 'here already'
  if (layer.state === 'waiting') return layer.total > 0 ? formatBytes(layer.total) : 'waiting'
  if (layer.state === 'done') return formatBytes(layer.total > 0 ? layer.total : layer.bytes)
  const amount =
    layer.total > 0
      ? `${formatBytes(layer.bytes)} of ${formatBytes(layer.total)}`
      : formatBytes(layer.bytes)
  if (layer.state === 'unpacking') return `unpacking · ${amount}`
  const { bytesPerSecond } = layer
  return bytesPerSecond === undefined ? amount : `${amount} · ${formatBytes(bytesPerSecond)}/s`
}

/** 0 to 1; undefined while the size is unknown. */
export function layerFraction(layer: LayerProgress): number | undefined {
  if (isDone(layer)) return 1
  if (layer.state === 'waiting') return 0
  return layer.total > 0 ? layer.bytes / layer.total : undefined
}

function isDone(layer: LayerProgress): boolean {
  return layer.state === 'done' || layer.state === 'reused'
}
