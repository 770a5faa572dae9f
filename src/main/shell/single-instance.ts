// SPDX-License-Identifier: Apache-2.0
// One app per data directory: a second start shows the first one's window and ends.
import type { App } from 'electron'

/** False if another instance already serves this data directory; it has been told to come to the front. */
export function claimSingleInstance(
  app: Pick<App, 'requestSingleInstanceLock' | 'on'>,
  showWindow: () => void,
): boolean {
  if (!app.requestSingleInstanceLock()) return false
  app.on('second-instance', showWindow)
  return true
}
