// SPDX-License-Identifier: Apache-2.0
// Opens the app on a virtual display, waits until its window is usable, saves a picture of it, and closes
// everything it started.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { electronCommand } from './electron-command.mjs'
import { openVirtualDisplay } from './virtual-display.mjs'

const READY_MS = 60_000

/** @param {{ file: string, env: NodeJS.ProcessEnv }} options @returns {Promise<void>} */
export async function savePortrait({ file, env }) {
  const { _electron } = await import('playwright-core')
  const display = await openVirtualDisplay({ size: '1440x900' })
  try {
    const windowEnv = { ...definedOnly(env), ...display.env }
    const { executable, args } = await electronCommand({ virtual: true, env: windowEnv })
    const app = await _electron.launch({
      executablePath: executable,
      args,
      env: windowEnv,
      colorScheme: null,
      timeout: READY_MS,
    })
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

/** @param {NodeJS.ProcessEnv} env @returns {Record<string, string>} */
function definedOnly(env) {
  return /** @type {Record<string, string>} */ (
    Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
  )
}
