// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and times as people read them. Pure; English; sizes of files are decimal (kB, MB),
// memory and VM disks are powers of two under the same names, as every virtual machine tool has it.

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const dated = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** 1024 → "1,024". */
export function formatCount(value: number): string {
  return grouped.format(value)
}

/** "1 machine", "2 machines". */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Bytes, decimal: "0 B", "3 kB", "1.2 MB", "95 MB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = Math.max(0, bytes)
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit >= 2 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** Bytes per second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** MiB: "512 MB", "1,536 MB", "10 GB". Whole gigabytes from 4 GB on read as such. */
export function formatMib(mib: number): string {
  if (mib >= 4096 && mib % 1024 === 0) return `${formatCount(mib / 1024)} GB`
  return `${formatCount(mib)} MB`
}

/** MiB of a host, where the exact figure does not matter: 15,872 → "16 GB". */
export function formatMibRoughly(mib: number): string {
  return mib < 1024 ? `${formatCount(mib)} MB` : `${formatCount(mib / 1024)} GB`
}

/** "18 %"; below 10 one digit after the point is noise, so none ever. */
export function formatPercent(percent: number): string {
  return `${Math.round(percent)} %`
}

/** A stretch of time in milliseconds: "4 s", "12 min", "2 h 14 m", "3 d 4 h". */
export function formatDuration(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} m`
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`
}

/** A measured time in milliseconds: "84 ms", "1.42 s". */
export function formatMs(ms: number): string {
  return ms < SECOND ? `${Math.round(ms)} ms` : `${(ms / SECOND).toFixed(2)} s`
}

/** A past moment seen from now: "just now", "12 min ago", "yesterday", "3 days ago", "4 Mar 2026". */
export function formatAgo(then: number, now: number): string {
  const ms = now - then
  if (ms < MINUTE) return 'just now'
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`
  const midnight = new Date(now).setHours(0, 0, 0, 0)
  if (then >= midnight || ms < 6 * HOUR) return `${Math.floor(ms / HOUR)} h ago`
  const days = Math.ceil((midnight - then) / DAY)
  if (days <= 1) return 'yesterday'
  if (days < 30) return `${days} days ago`
  return dated.format(then)
}

/** "sha256:abcdef012345…" → "abcdef012345", the usual short form of a digest. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12)
}
