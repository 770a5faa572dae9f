// SPDX-License-Identifier: Apache-2.0
// Short messages in the corner. Errors stay until dismissed; the rest goes by itself.
import { create } from 'zustand'
import { errorText } from './error-text'

export interface Toast {
  readonly id: number
  readonly tone: 'info' | 'error'
  readonly title: string
  readonly message?: string
  readonly hint?: string
  readonly action?: { readonly label: string; readonly run: () => void }
}

const INFO_MS = 5000
const MAX_SHOWN = 4
let lastId = 0

export const useToasts = create<{ readonly shown: readonly Toast[] }>(() => ({ shown: [] }))

export function dismissToast(id: number): void {
  useToasts.setState(({ shown }) => ({ shown: shown.filter((toast) => toast.id !== id) }))
}

/** Says that something is done. */
export function toastInfo(title: string, action?: Toast['action']): void {
  const id = show({ tone: 'info', title, ...(action === undefined ? {} : { action }) })
  setTimeout(() => dismissToast(id), INFO_MS)
}

/** Says that something in the background failed: `title` is what, the error is why and the remedy. */
export function toastError(title: string, error: unknown, action?: Toast['action']): void {
  show({ tone: 'error', title, ...errorText(error), ...(action === undefined ? {} : { action }) })
}

/** Runs a background call; a failure becomes a toast. Resolves to whether it worked. */
export async function orToast(title: string, work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    toastError(title, error)
    return false
  }
}

function show(toast: Omit<Toast, 'id'>): number {
  lastId += 1
  const added = { ...toast, id: lastId }
  useToasts.setState(({ shown }) => ({
    // The same failure again replaces its earlier self instead of piling up.
    shown: [
      ...shown.filter((t) => t.title !== added.title || t.message !== added.message),
      added,
    ].slice(-MAX_SHOWN),
  }))
  return lastId
}
