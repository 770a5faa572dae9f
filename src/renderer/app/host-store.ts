// SPDX-License-Identifier: Apache-2.0
// What is known of the app and the computer it runs on: versions, limits, the Doctor's report.
import { create } from 'zustand'
import { call } from '../api/client'
import type { AppInfo, DoctorReport } from '../../contract/ipc'
import { toastError } from '../ui/toast-store'

interface HostState {
  readonly info: AppInfo | undefined
  readonly report: DoctorReport | undefined
  readonly reportError: unknown
  readonly checking: boolean
  readonly doctorOpen: boolean
}

export const useHost = create<HostState>(() => ({
  info: undefined,
  report: undefined,
  reportError: undefined,
  checking: false,
  doctorOpen: false,
}))

export async function loadInfo(): Promise<void> {
  try {
    useHost.setState({ info: await call('app.info') })
  } catch (error) {
    toastError('The app does not know its own version and limits', error)
  }
}

/** Runs all checks; the report before stays visible meanwhile. */
export async function runDoctor(): Promise<void> {
  useHost.setState({ checking: true })
  try {
    useHost.setState({ report: await call('app.doctor'), reportError: undefined })
  } catch (error) {
    useHost.setState({ reportError: error })
  } finally {
    useHost.setState({ checking: false })
  }
}

export function openDoctor(open: boolean): void {
  useHost.setState({ doctorOpen: open })
}
