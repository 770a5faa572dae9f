// SPDX-License-Identifier: Apache-2.0
// Tables and figures as people read them in a terminal.
import type { DoctorReport, VmView } from '../../contract/ipc'
import type {
  DiskImageView,
  FileEntry,
  ImageLayer,
  ImageView,
  LayerChanges,
} from '../../contract/images'
import type { PortForward } from '../../contract/vm-spec'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1)
  const value = bytes / 1024 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[power] ?? ''}`
}

/** "12 s", "3 min", "5 h", "2 days". */
function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} days`
}

/** "127.0.0.1:8080 → 80"; a host port of 0 is not chosen yet. */
export function formatPorts(ports: readonly PortForward[]): string {
  return ports
    .map(({ host, guest }) => `${host === 0 ? 'any' : `127.0.0.1:${host}`} → ${guest}`)
    .join(', ')
}

export function formatMachines(machines: readonly VmView[], now: number): string {
  const head = ['NAME', 'STATUS', 'IMAGE', 'CPUS', 'MEMORY', 'PORTS', 'ID']
  const rows = machines.map(({ id, spec, state, damaged }) => [
    spec.name,
    damaged === undefined ? describeStatus(state, now) : `damaged: ${damaged.code}`,
    spec.image,
    String(spec.cpus),
    formatBytes(spec.memoryMib * 1024 * 1024),
    formatPorts(state.ports.length > 0 ? state.ports : spec.ports),
    id,
  ])
  return formatTable(head, rows)
}

function describeStatus(state: VmView['state'], now: number): string {
  const { status, startedAt, exitCode } = state
  if (status === 'running' && startedAt !== undefined) {
    return `running ${formatDuration(now - startedAt)}`
  }
  if (status === 'stopped' && exitCode !== undefined) return `stopped (${exitCode})`
  return status
}

export function formatImages(images: readonly ImageView[], now: number): string {
  const head = ['REFERENCE', 'DIGEST', 'PLATFORM', 'LAYERS', 'SIZE', 'PULLED']
  const rows = images.map((image) => [
    image.reference,
    image.digest.slice('sha256:'.length, 'sha256:'.length + 12),
    image.platform,
    String(image.layers.length),
    formatBytes(image.size),
    image.builtIn ? 'built in' : `${formatDuration(now - image.pulledAt)} ago`,
  ])
  return formatTable(head, rows)
}

export function formatDisks(disks: readonly DiskImageView[], now: number): string {
  const head = ['SOURCE', 'DIGEST', 'SIZE', 'ON DISK', 'PACKED', 'FETCHED']
  const rows = disks.map((disk) => [
    printable(disk.source),
    disk.digest.slice('sha256:'.length, 'sha256:'.length + 12),
    formatBytes(disk.sizeBytes),
    formatBytes(disk.sizeOnDisk),
    disk.compression === 'none' ? '-' : `${disk.compression} ${formatBytes(disk.packedBytes)}`,
    `${formatDuration(now - disk.fetchedAt)} ago`,
  ])
  return formatTable(head, rows)
}

export function formatHistory(layers: readonly ImageLayer[]): string {
  const head = ['LAYER', 'SIZE', 'ENTRIES', 'CREATED BY']
  const rows = layers.map(({ sizeOnDisk, entries, createdBy }, index) => [
    String(index + 1),
    formatBytes(sizeOnDisk),
    String(entries),
    printable(createdBy),
  ])
  return formatTable(head, rows)
}

export function formatChanges(layers: readonly LayerChanges[]): string {
  const head = ['LAYER', 'ADDED', 'CHANGED', 'REMOVED', 'FILES', 'WASTED']
  const rows = layers.map(({ added, changed, removed, fileBytes, wastedBytes }, index) => [
    ...[index + 1, added, changed, removed].map(String),
    formatBytes(fileBytes),
    formatBytes(wastedBytes),
  ])
  return formatTable(head, rows)
}

/** As `ls -l` has it. */
export function formatEntries(entries: readonly FileEntry[]): string {
  const head = ['TYPE', 'MODE', 'OWNER', 'SIZE', 'MODIFIED', 'NAME']
  const rows = entries.map(({ type, mode, uid, gid, size, modifiedAt, name, target }) => [
    type,
    mode.toString(8).padStart(4, '0'),
    `${uid}:${gid}`,
    String(size),
    formatTime(modifiedAt),
    printable(target === undefined ? name : `${name} → ${target}`),
  ])
  return formatTable(head, rows)
}

/** "2026-01-31 12:00", in UTC; an image may claim times that no calendar has. */
function formatTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString().slice(0, 16).replace('T', ' ')
}

/** What an image says, without what a terminal would obey. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}

export function formatDoctor(report: DoctorReport): string {
  const signs = { ok: 'ok  ', warning: 'warn', failed: 'FAIL' }
  const lines = report.checks.flatMap(({ name, status, detail, hint }) => [
    `${signs[status]}  ${name}: ${detail}`,
    ...(hint === undefined ? [] : [`      ${hint}`]),
  ])
  const { backend } = report
  const last =
    backend === undefined ? 'No backend.' : `Backend: ${backend.name}, ${backend.accelerator}`
  return [...lines, last].join('\n')
}
