// SPDX-License-Identifier: Apache-2.0
// The page gets no camera, no notification, no USB device, no clipboard: what it needs goes over IPC.
import type { Session } from 'electron'

export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
}
