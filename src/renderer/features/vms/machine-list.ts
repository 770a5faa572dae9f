// SPDX-License-Identifier: Apache-2.0
// Which machines the table shows and in which order. Pure.
import type { VmView } from '../../../contract/ipc'
import { stateLine, stateText } from './state-text'

export const sortColumns = ['name', 'state', 'image', 'since'] as const
export type SortColumn = (typeof sortColumns)[number]
export interface Sort {
  readonly column: SortColumn
  readonly descending: boolean
}

const stateRank = {
  failed: 0,
  paused: 1,
  starting: 2,
  stopping: 3,
  running: 4,
  stopped: 5,
} as const
const byName = new Intl.Collator('en', { numeric: true })

/** True if every word of the filter occurs in the machine's name, image, state or ports. */
export function matchesFilter(vm: VmView, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const ports = vm.spec.ports.map((port) => `${port.host} ${port.guest}`).join(' ')
  const text = `${vm.spec.name} ${vm.spec.image} ${stateLine(stateText(vm))} ${ports}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

/** Ids of the machines to show, sorted; equal ones by name. */
export function visibleIds(vms: readonly VmView[], filter: string, sort: Sort): string[] {
  const sign = sort.descending ? -1 : 1
  return vms
    .filter((vm) => matchesFilter(vm, filter))
    .toSorted((a, b) => sign * compare(a, b, sort.column) || compare(a, b, 'name'))
    .map((vm) => vm.id)
}

function compare(a: VmView, b: VmView, column: SortColumn): number {
  if (column === 'state') return stateRank[a.state.status] - stateRank[b.state.status]
  if (column === 'image') return byName.compare(a.spec.image, b.spec.image)
  if (column === 'since') return moment(b) - moment(a)
  return byName.compare(a.spec.name, b.spec.name)
}

function moment({ state, createdAt }: VmView): number {
  return Math.max(state.startedAt ?? 0, state.stoppedAt ?? 0) || createdAt
}

/** The row to select after a key, or undefined if the key moves nothing. `page`: rows on one screen. */
export function moveSelection(
  key: string,
  index: number,
  count: number,
  page: number,
): number | undefined {
  if (count === 0) return undefined
  const moves: Partial<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  }
  const target = moves[key]
  return target === undefined ? undefined : Math.min(count - 1, Math.max(0, target))
}
