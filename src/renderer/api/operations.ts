// SPDX-License-Identifier: Apache-2.0
// Long calls (pull, import, launch, save): each has an id chosen here, reports progress and can be
// cancelled. The store lists those under way, so that any place may draw them.
import { create } from 'zustand'
import { MicrovmError } from '../../contract/errors'
import type { Progress } from '../../contract/images'
import { call, on } from './client'

export interface Operation {
  readonly id: string
  /** What it does, for people: "Pulling debian:bookworm". */
  readonly title: string
  readonly kind: 'pull' | 'import' | 'login' | 'save' | 'export'
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly progress?: Progress
  readonly cancelling: boolean
}

interface OperationsState {
  readonly running: readonly Operation[]
}

export const useOperations = create<OperationsState>(() => ({ running: [] }))

/** Runs one long call and lists it meanwhile. `undefined`: the user cancelled it. */
export async function runOperation<T>(
  kind: Operation['kind'],
  title: string,
  work: (operationId: string) => Promise<T>,
): Promise<T | undefined> {
  const id = crypto.randomUUID()
  const operation: Operation = { id, title, kind, startedAt: Date.now(), cancelling: false }
  useOperations.setState(({ running }) => ({ running: [...running, operation] }))
  try {
    return await work(id)
  } catch (error) {
    const known = MicrovmError.from(error)
    if (known.code === 'CANCELLED') return undefined
    throw known
  } finally {
    useOperations.setState(({ running }) => ({ running: running.filter((o) => o.id !== id) }))
  }
}

/** A call that nothing draws, cancelled in main when `signal` fires; it then rejects as cancelled. */
export async function callUntil<T>(
  signal: AbortSignal,
  work: (operationId: string) => Promise<T>,
): Promise<T> {
  const operationId = crypto.randomUUID()
  const cancel = (): void => void call('operations.cancel', { operationId })
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await work(operationId)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** Asks main to stop it; the call itself then ends as cancelled. */
export async function cancelOperation(id: string): Promise<void> {
  change(id, { cancelling: true })
  await call('operations.cancel', { operationId: id })
}

/** Starts hearing progress; called once, at start. */
export function followOperations(): void {
  on('operation.progress', ({ operationId, progress }) => change(operationId, { progress }))
}

function change(id: string, patch: Partial<Operation>): void {
  useOperations.setState(({ running }) =>
    running.some((operation) => operation.id === id)
      ? { running: running.map((o) => (o.id === id ? { ...o, ...patch } : o)) }
      : { running },
  )
}
