// SPDX-License-Identifier: Apache-2.0
// This checkout's app on a virtual display, driven by Playwright.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { electronCommand } from './electron-command.mjs'

/**
 * @param {{ env: NodeJS.ProcessEnv, timeoutMs: number }} options env: with DISPLAY
 * @returns {Promise<import('playwright-core').ElectronApplication>}
 */
export async function launchDriven({ env, timeoutMs }) {
  const { _electron } = await import('playwright-core')
  const { executable, args } = await electronCommand({ virtual: true, env })
  return _electron.launch({
    executablePath: executable,
    args: ['-r', holdBack(), ...args],
    env: /** @type {Record<string, string>} */ (
      Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
    ),
    chromiumSandbox: !args.includes('--no-sandbox'),
    // Not Playwright's own default (light): what the system says.
    colorScheme: null,
    timeout: timeoutMs,
  })
}

/**
 * Playwright's module that holds the app's `ready` back until Playwright is attached. It loads it by itself only when
 * it looks for Electron by itself; without it, one launch in forty hangs.
 */
function holdBack() {
  const manifest = createRequire(import.meta.url).resolve('playwright-core/package.json')
  return join(dirname(manifest), 'lib', 'server', 'electron', 'loader.js')
}
