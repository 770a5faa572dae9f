// SPDX-License-Identifier: Apache-2.0
// A machine's readings over the last minutes, for the tiny lines and the charts. Pure.
import type { VmStats } from '../../../contract/vm-state'

export interface Reading {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly cpuPercent: number
  readonly memoryUsedMib: number
  readonly memoryTotalMib: number
  /** Bytes per second since the reading before; 0 for the first. `rx` is towards the guest. */
  readonly rxRate: number
  readonly txRate: number
  /** Bytes since start. */
  readonly rxBytes: number
  readonly txBytes: number
}

/** Five minutes of one reading every two seconds. */
export const READINGS_KEPT = 150

/**
 * Seconds a chart of these readings covers: one minute at first, so that a young machine's lines
 * are more than a speck, then two, then five.
 */
export function chartSpan(oldest: number, newest: number): number {
  const age = newest - oldest
  return [60, 120].find((span) => age <= span) ?? 300
}

/** The readings with one more. The same reading again changes nothing; a counter that went back means a new start. */
export function appendReading(readings: readonly Reading[], stats: VmStats): readonly Reading[] {
  const last = readings.at(-1)
  if (last !== undefined && stats.at <= last.at) return readings
  const restarted =
    last !== undefined && stats.rxBytes + stats.txBytes < last.rxBytes + last.txBytes
  const before = restarted ? undefined : last
  const reading: Reading = {
    at: stats.at,
    cpuPercent: finite(stats.cpuPercent),
    memoryUsedMib: finite(stats.memoryUsedMib),
    memoryTotalMib: finite(stats.memoryTotalMib),
    rxRate: rate(before?.rxBytes, stats.rxBytes, before?.at, stats.at),
    txRate: rate(before?.txBytes, stats.txBytes, before?.at, stats.at),
    rxBytes: stats.rxBytes,
    txBytes: stats.txBytes,
  }
  return [...(restarted ? [] : readings.slice(1 - READINGS_KEPT)), reading]
}

function rate(
  bytesBefore: number | undefined,
  bytes: number,
  atBefore: number | undefined,
  at: number,
): number {
  if (bytesBefore === undefined || atBefore === undefined) return 0
  return Math.max(0, ((bytes - bytesBefore) * 1000) / (at - atBefore))
}

/** The guest says these numbers: anything may come. */
function finite(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}
