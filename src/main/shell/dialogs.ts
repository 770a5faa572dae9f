// SPDX-License-Identifier: Apache-2.0
// The system's own dialogs, over the app's window.
import { basename } from 'node:path'
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

/** Asks for a folder to share with a machine; undefined if dismissed. */
export async function chooseFolder(window: BrowserWindow): Promise<string | undefined> {
  const answer = await dialog.showOpenDialog(window, {
    title: 'Share a folder with the machine',
    buttonLabel: 'Share',
    properties: ['openDirectory', 'createDirectory'],
  })
  return answer.canceled ? undefined : answer.filePaths[0]
}

/** Asks for the file of a disk that a machine is to have; undefined if dismissed. */
export async function chooseDisk(window: BrowserWindow): Promise<string | undefined> {
  const answer = await dialog.showOpenDialog(window, {
    title: 'Give the machine a disk',
    buttonLabel: 'Add',
    properties: ['openFile'],
    filters: [
      { name: 'Disk images', extensions: ['img', 'raw', 'iso', 'ext4', 'erofs'] },
      { name: 'All files', extensions: ['*'] },
    ],
  })
  return answer.canceled ? undefined : answer.filePaths[0]
}

/** Asks where to write a file; the system asks before it lets one be replaced. undefined if dismissed. */
export async function chooseTarget(
  window: BrowserWindow,
  title: string,
  name: string,
): Promise<string | undefined> {
  const answer = await dialog.showSaveDialog(window, {
    title,
    // A name is whatever the image says: no more of it than a name.
    defaultPath: basename(name).replaceAll(/[\p{Cc}\p{Cf}\\:]/gu, '_'),
    properties: ['showOverwriteConfirmation', 'createDirectory'],
  })
  return answer.canceled || answer.filePath === '' ? undefined : answer.filePath
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
