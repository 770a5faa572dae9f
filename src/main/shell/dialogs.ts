// SPDX-License-Identifier: Apache-2.0
// The system's own dialogs, over the app's window.
import { dialog, shell, type BrowserWindow } from 'electron'

/** Asks for an OCI archive or the folder of an OCI layout; undefined if dismissed. */
export async function chooseImage(
  window: BrowserWindow,
  kind: 'archive' | 'folder',
): Promise<string | undefined> {
  const answer = await dialog.showOpenDialog(window, {
    title: kind === 'archive' ? 'Import an image archive' : 'Import an image folder',
    buttonLabel: 'Import',
    ...(kind === 'archive'
      ? {
          properties: ['openFile'],
          filters: [
            { name: 'OCI archives', extensions: ['tar', 'oci'] },
            { name: 'All files', extensions: ['*'] },
          ],
        }
      : { properties: ['openDirectory'] }),
  })
  return answer.canceled ? undefined : answer.filePaths[0]
}

/** Tells of a failure nobody expected; the log is one click away. Resolves when it is closed. */
export async function showFailure(
  window: BrowserWindow | undefined,
  message: string,
  detail: string,
  logFile: string,
): Promise<void> {
  const options = { type: 'error' as const, message, detail, buttons: ['Close', 'Show log'] }
  const { response } = await (window === undefined
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options))
  if (response === 1) shell.showItemInFolder(logFile)
}
