// SPDX-License-Identifier: Apache-2.0
// Who may call the main process: the top frame of the app's own window, showing the app's own page.
import { isAppUrl } from './app-url'

/** The part of Electron's IpcMainInvokeEvent the decision needs. */
export interface CallOrigin {
  readonly sender: { readonly id: number; readonly mainFrame: { readonly frameTreeNodeId: number } }
  /** null: the frame is gone. */
  readonly senderFrame: {
    readonly url: string
    readonly parent: object | null
    readonly frameTreeNodeId: number
  } | null
}

/** `windowContentsId` is undefined while no window is open. */
export function isTrustedSender(origin: CallOrigin, windowContentsId: number | undefined): boolean {
  const { sender, senderFrame } = origin
  return (
    senderFrame !== null &&
    sender.id === windowContentsId &&
    senderFrame.parent === null &&
    senderFrame.frameTreeNodeId === sender.mainFrame.frameTreeNodeId &&
    isAppUrl(senderFrame.url)
  )
}
