// SPDX-License-Identifier: Apache-2.0
// Progress in words: one line that changes for a terminal, a line per step for a log file.
import type { LayerProgress, Progress } from '../../contract/images'
import { formatBytes } from './format'

const BAR_WIDTH = 20
/** Below this, there is no room for a bar. */
const BAR_COLUMNS = 72

/** Fits `columns` characters: "Pulling debian:bookworm · 3 of 5 layers · 12 MiB/s ━━━━━━━━━━╌╌╌╌╌╌ 61 %". */
export function progressLine(progress: Progress, columns: number): string {
  const { message, fraction, layers, transfer } = progress
  const ready = layers?.filter(isReady).length
  const speed = layers?.reduce((sum, { bytesPerSecond = 0 }) => sum + bytesPerSecond, 0) ?? 0
  const rate = speed === 0 ? '' : ` · ${formatBytes(speed)}/s`
  const ofLayers = layers === undefined ? '' : ` · ${ready} of ${layers.length} layers${rate}`
  const count = transfer === undefined ? ofLayers : ` · ${transferText(transfer)}`
  const bar = fraction === undefined || columns < BAR_COLUMNS ? '' : ` ${drawBar(fraction)}`
  const percent = fraction === undefined ? '' : `${bar} ${Math.floor(fraction * 100)} %`
  const room = Math.max(columns - count.length - percent.length - 1, 10)
  return `${message.length > room ? `${message.slice(0, room - 1)}…` : message}${count}${percent}`
}

/** "12 MiB of 300 MiB · 5 MiB/s" */
function transferText({ bytes, total, bytesPerSecond }: NonNullable<Progress['transfer']>): string {
  const whole = total === 0 ? '' : ` of ${formatBytes(total)}`
  const rate = bytesPerSecond === undefined ? '' : ` · ${formatBytes(bytesPerSecond)}/s`
  return `${formatBytes(bytes)}${whole}${rate}`
}

function drawBar(fraction: number): string {
  const full = Math.round(Math.min(fraction, 1) * BAR_WIDTH)
  return '━'.repeat(full) + '╌'.repeat(BAR_WIDTH - full)
}

/** Turns a run of progress reports into lines, none of them twice: each step, and each layer when it is ready. */
export function progressLog(): (progress: Progress) => string[] {
  let last = ''
  let told = new Set<string>()
  return ({ message, layers = [] }) => {
    const lines: string[] = []
    if (message !== last) {
      lines.push(message)
      last = message
      told = new Set()
    }
    for (const [index, layer] of layers.entries()) {
      if (!isReady(layer) || told.has(layer.diffIdOrDigest)) continue
      told.add(layer.diffIdOrDigest)
      const outcome = layer.state === 'reused' ? 'here already' : formatBytes(layer.bytes)
      lines.push(`  layer ${index + 1} of ${layers.length}: ${outcome}`)
    }
    return lines
  }
}

const isReady = ({ state }: LayerProgress): boolean => state === 'done' || state === 'reused'
