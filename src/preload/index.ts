// SPDX-License-Identifier: Apache-2.0
// The only code that sees both worlds: puts `window.api` into the sandboxed page. Forwards, decides
// nothing. The main process checks sender, name and arguments of every call.
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron'
import type { IPC_CALL_CHANNEL, IPC_EVENT_CHANNEL, PreloadApi } from '../contract/ipc'

// Types only from the contract (its schemas stay out of the page's process); the compiler keeps the names equal.
const callChannel: typeof IPC_CALL_CHANNEL = 'microvm:call'
const eventChannel: typeof IPC_EVENT_CHANNEL = 'microvm:event'

const api: PreloadApi = {
  call: (name, args) => ipcRenderer.invoke(callChannel, name, args),
  on(listener) {
    const forward = (_: IpcRendererEvent, event: string, payload: unknown): void =>
      listener(event, payload)
    ipcRenderer.on(eventChannel, forward)
    return () => ipcRenderer.off(eventChannel, forward)
  },
}

contextBridge.exposeInMainWorld('api', api)
