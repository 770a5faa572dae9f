// SPDX-License-Identifier: Apache-2.0
// Opens the app on a virtual display, waits until its window is usable, saves a picture of it, and closes
// everything it started.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { launchDriven } from './launch-driven.mjs'
import { openVirtualDisplay } from './virtual-display.mjs'

const READY_MS = 60_000

/** @param {{ file: string, env: NodeJS.ProcessEnv }} options @returns {Promise<void>} */
export async function savePortrait({ file, env }) {
  const display = await openVirtualDisplay({ size: '1440x900' })
  try {
    const app = await launchDriven({ env: { ...env, ...display.env }, timeoutMs: READY_MS })
    try {
      const window = await app.firstWindow({ timeout: READY_MS })
      // The renderer sets it once the window can be used.
      await window.waitForSelector('html[data-ready]', { state: 'attached', timeout: READY_MS })
      await mkdir(dirname(file), { recursive: true })
      await window.screenshot({ path: file })
    } finally {
      await closeWithin(app, 10_000)
    }
  } finally {
    await display.close()
  }
}

/** @param {import('playwright-core').ElectronApplication} app @param {number} ms then it is killed */
async function closeWithin(app, ms) {
  const timer = setTimeout(() => app.process().kill('SIGKILL'), ms)
  await app.close().catch(() => app.process().kill('SIGKILL'))
  clearTimeout(timer)
}
