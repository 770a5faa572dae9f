// SPDX-License-Identifier: Apache-2.0
// The machines as the window knows them: the list from main, kept current by events. Events come
// by the hundred with many machines; they are gathered and applied at most once per frame. Rows
// subscribe to their own machine by id, so one machine's reading redraws one row.
import { create } from 'zustand'
import { call, on } from '../../api/client'
import type { VmView } from '../../../contract/ipc'
import { appendReading, type Reading } from './readings'

export interface VmState {
  readonly load: 'loading' | 'ready' | 'failed'
  readonly error: unknown
  readonly byId: Readonly<Record<string, VmView>>
  /** Readings of the last minutes, oldest first; none for a machine that does not run. */
  readonly readings: Readonly<Record<string, readonly Reading[]>>
}

export type VmChange =
  | { readonly type: 'changed'; readonly vm: VmView }
  | { readonly type: 'removed'; readonly id: string }

const FRAME_MS = 16

export const useVms = create<VmState>(() => ({
  load: 'loading',
  error: undefined,
  byId: {},
  readings: {},
}))

/** One machine; undefined if it does not exist (any more). */
export function useVm(id: string): VmView | undefined {
  return useVms((state) => state.byId[id])
}

const noReadings: readonly Reading[] = []

/** The readings of one machine, oldest first. */
export function useReadings(id: string): readonly Reading[] {
  return useVms((state) => state.readings[id] ?? noReadings)
}

/** Applies changes in order. Pure. */
export function applyChanges(state: VmState, changes: readonly VmChange[]): VmState {
  const byId = { ...state.byId }
  const readings = { ...state.readings }
  for (const change of changes) {
    const id = change.type === 'changed' ? change.vm.id : change.id
    if (change.type === 'removed') {
      delete byId[id]
      delete readings[id]
      continue
    }
    byId[id] = change.vm
    if (change.vm.stats === undefined) delete readings[id]
    else readings[id] = appendReading(readings[id] ?? noReadings, change.vm.stats)
  }
  return { ...state, byId, readings }
}

/** Changes heard while the list is on its way: it may have been made before them. */
let heardMeanwhile: VmChange[] | undefined

/** Asks main for the list, anew. */
export async function loadVms(): Promise<void> {
  heardMeanwhile = []
  try {
    const list = await call('vms.list')
    const known: VmChange[] = list.map((vm) => ({ type: 'changed', vm }))
    useVms.setState(({ readings }) =>
      applyChanges({ load: 'ready', error: undefined, byId: {}, readings }, [
        ...known,
        ...(heardMeanwhile ?? []),
      ]),
    )
  } catch (error) {
    useVms.setState({ load: 'failed', error })
  } finally {
    heardMeanwhile = undefined
  }
}

/** Starts hearing changes; called once, at start, before the first load. */
export function followVms(): void {
  let waiting: VmChange[] = []
  const apply = (): void => {
    const changes = waiting
    waiting = []
    useVms.setState((state) => applyChanges(state, changes))
  }
  const add = (change: VmChange): void => {
    heardMeanwhile?.push(change)
    if (waiting.push(change) === 1) setTimeout(apply, FRAME_MS)
  }
  on('vm.changed', (vm) => add({ type: 'changed', vm }))
  on('vm.removed', ({ id }) => add({ type: 'removed', id }))
}

/** Puts a machine main has just returned into the list, without waiting for its event. */
export function putVm(vm: VmView): void {
  useVms.setState((state) => applyChanges(state, [{ type: 'changed', vm }]))
}
