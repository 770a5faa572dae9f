// SPDX-License-Identifier: Apache-2.0
// Starts everything that lives as long as the window: first the listeners, then the first questions,
// so that no change falls between them.
import { on } from '../api/client'
import { followOperations } from '../api/operations'
import { followImages, loadImages, useImages } from '../features/images/image-store'
import { followTerminals } from '../features/terminal/terminal-sessions'
import { followLaunches } from '../features/vms/launch'
import { followVms, loadVms, useVms } from '../features/vms/vm-store'
import { toastError } from '../ui/toast-store'
import { loadInfo, runDoctor } from './host-store'
import { followRoute } from './route'
import { followKeys, runMenuAction } from './shortcuts'

export function start(): void {
  followRoute()
  followKeys()
  try {
    followVms()
    followImages()
    followOperations()
    followTerminals()
    followLaunches()
    on('menu.action', runMenuAction)
  } catch (error) {
    toastError('This window is not connected to the app', error)
  }
  void Promise.all([loadInfo(), loadVms(), loadImages()])
  void runDoctor()
}

/** True once the first data are there, or known not to come. */
export function useFirstData(): boolean {
  const vms = useVms((state) => state.load !== 'loading')
  const images = useImages((state) => state.load !== 'loading')
  return vms && images
}
