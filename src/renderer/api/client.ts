// SPDX-License-Identifier: Apache-2.0
// The only reader of window.api. Turns the preload's untyped pipe into typed calls and events:
// results come back as values or as a MicrovmError with code and hint, never as anything else.
import { MicrovmError } from '../../contract/errors'
import type {
  IpcArgs,
  IpcCall,
  IpcEvent,
  IpcEvents,
  IpcResult,
  PreloadApi,
} from '../../contract/ipc'

declare global {
  interface Window {
    readonly api?: PreloadApi
  }
}

type CallArguments<C extends IpcCall> = undefined extends IpcArgs<C> ? [] : [args: IpcArgs<C>]

/** Calls main. Throws a MicrovmError on any failure. */
export async function call<C extends IpcCall>(
  name: C,
  ...[args]: CallArguments<C>
): Promise<IpcResult<C>> {
  const reply = await bridge().call(name, args)
  if (!reply.ok) throw MicrovmError.fromWire(reply.error)
  return reply.value as IpcResult<C>
}

type Listener = (payload: never) => void
const listeners = new Map<string, Set<Listener>>()
let subscribed = false

/** Hears one kind of event from main; returns the function that stops it. */
export function on<E extends IpcEvent>(
  event: E,
  listener: (payload: IpcEvents[E]) => void,
): () => void {
  subscribeOnce()
  const ofEvent = listeners.get(event) ?? new Set<Listener>()
  listeners.set(event, ofEvent.add(listener))
  return () => ofEvent.delete(listener)
}

function subscribeOnce(): void {
  if (subscribed) return
  subscribed = true
  bridge().on((event, payload) => {
    for (const listener of listeners.get(event) ?? []) listener(payload as never)
  })
}

function bridge(): PreloadApi {
  if (window.api !== undefined) return window.api
  throw new MicrovmError('INTERNAL', 'this page has no connection to the app', {
    hint: 'Open it in MicroVM Desktop, not in a browser.',
  })
}
