// SPDX-License-Identifier: Apache-2.0
// Everything the command palette offers.
import type { ImageView } from '../../contract/images'
import type { VmView } from '../../contract/ipc'
import { askToPrune } from '../features/images/image-dialogs'
import { askToSignIn } from '../features/settings/sign-in-store'
import { launchImage } from '../features/vms/launch'
import { openNewMachine } from '../features/vms/new-machine/open-new-machine'
import { stateText } from '../features/vms/state-text'
import { actionLabel, actionsFor, runAction } from '../features/vms/vm-actions'
import { openShell, setPanelOpen, useTerminals } from '../features/terminal/terminal-store'
import { keyText } from '../ui/platform'
import { openDoctor } from './host-store'
import { navigate, openMachine } from './route'

export interface PaletteItem {
  readonly id: string
  readonly label: string
  /** At the right: a state, a shortcut. */
  readonly note: string
  readonly run: () => void
}

/** Going to machines first, then general commands, then what can be done with each machine and image. */
export function paletteItems(vms: readonly VmView[], images: readonly ImageView[]): PaletteItem[] {
  return [
    ...vms.map(goTo),
    ...generalItems(),
    ...vms.flatMap(machineItems),
    ...images.map(imageItem),
  ]
}

function goTo(vm: VmView): PaletteItem {
  return {
    id: `go:${vm.id}`,
    label: `Go to ${vm.spec.name}`,
    note: stateText(vm).word,
    run: () => openMachine(vm.id),
  }
}

function generalItems(): PaletteItem[] {
  const toggle = (): void => setPanelOpen(!useTerminals.getState().open)
  const items: [string, string, () => void][] = [
    ['New machine', keyText('N'), () => openNewMachine()],
    ['Show machines', '', () => navigate({ page: 'machines' })],
    ['Show images', '', () => navigate({ page: 'images' })],
    ['Show settings', '', () => navigate({ page: 'settings' })],
    ['Show or hide terminals', keyText('`'), toggle],
    ['Free up space…', '', askToPrune],
    ['Sign in to a registry…', '', () => askToSignIn({})],
    ['Open the Doctor', '', () => openDoctor(true)],
  ]
  return items.map(([label, note, run]) => ({ id: label, label, note, run }))
}

function machineItems(vm: VmView): PaletteItem[] {
  return actionsFor(vm).map((action) => ({
    id: `${action}:${vm.id}`,
    label: `${actionLabel(action)} ${vm.spec.name}${action === 'delete' ? '…' : ''}`,
    note: '',
    run: () => runAction(vm, action, openShell),
  }))
}

function imageItem({ reference }: ImageView): PaletteItem {
  return {
    id: `launch:${reference}`,
    label: `Launch ${reference}`,
    note: 'Image',
    run: () => void launchImage(reference),
  }
}
