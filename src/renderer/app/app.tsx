// SPDX-License-Identifier: Apache-2.0
// The window: rail at the left, a page, terminals below; dialogs and messages above all of it.
import { Tooltip } from 'radix-ui'
import { useEffect, type ReactNode } from 'react'
import { ImageDialogs } from '../features/images/image-dialogs'
import { ImagePage } from '../features/images/image-page'
import { ImagesPage } from '../features/images/images-page'
import { OperationsStrip } from '../features/images/operations-strip'
import { SettingsPage } from '../features/settings/settings-page'
import { SignInDialog } from '../features/settings/sign-in-dialog'
import { TerminalPanel } from '../features/terminal/terminal-panel'
import { DeleteMachineDialog } from '../features/vms/delete-machine-dialog'
import { MachinePage } from '../features/vms/machine-page/machine-page'
import { MachinesPage } from '../features/vms/machines-page'
import { NewMachineDialog } from '../features/vms/new-machine/new-machine-dialog'
import { Toasts } from '../ui/toasts'
import { DoctorDialog } from './doctor-dialog'
import { ErrorBoundary } from './error-boundary'
import { CommandPalette } from './palette'
import { Rail } from './rail'
import { printRoute, useRoute, type Route } from './route'
import { useFirstData } from './start'

export function App(): ReactNode {
  useReadyMark()
  const route = useRoute((state) => state.route)
  return (
    <Tooltip.Provider delayDuration={500}>
      <div className="frame">
        <Rail />
        <div className="content">
          <ErrorBoundary key={printRoute(route)}>
            <Page route={route} />
          </ErrorBoundary>
          <TerminalPanel status={<OperationsStrip />} />
        </div>
      </div>
      <NewMachineDialog />
      <DeleteMachineDialog />
      <ImageDialogs />
      <SignInDialog />
      <DoctorDialog />
      <CommandPalette />
      <Toasts />
    </Tooltip.Provider>
  )
}

function Page({ route }: { readonly route: Route }): ReactNode {
  switch (route.page) {
    case 'machines':
      return <MachinesPage />
    case 'machine':
      return <MachinePage id={route.id} tab={route.tab} />
    case 'images':
      return <ImagesPage />
    case 'image':
      return <ImagePage reference={route.reference} tab={route.tab} />
    case 'settings':
      return <SettingsPage />
  }
}

/** Marks the document once the first data are on screen: scripts and screenshots wait for it. */
function useReadyMark(): void {
  const ready = useFirstData()
  useEffect(() => {
    if (!ready) return undefined
    const frame = requestAnimationFrame(() => {
      document.documentElement.dataset['ready'] = 'true'
    })
    return () => cancelAnimationFrame(frame)
  }, [ready])
}
