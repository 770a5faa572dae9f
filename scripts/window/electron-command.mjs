// SPDX-License-Identifier: Apache-2.0
// How this checkout's app is started in the Electron that set-up chose.
import { readElectronChoice } from '../setup/electron.mjs'
import { projectDir } from '../setup/paths.mjs'
import { SetupProblem } from '../setup/problem.mjs'

/**
 * @param {{ virtual: boolean, env: NodeJS.ProcessEnv, extra?: readonly string[] }} options
 *   virtual: the display is an Xvfb, which has no GPU
 * @returns {Promise<{ executable: string, args: string[] }>}
 */
export async function electronCommand({ virtual, env, extra = [] }) {
  const choice = await readElectronChoice()
  if (!choice) throw new SetupProblem('Electron', 'it is not there', 'Run "npm run setup".')
  return {
    executable: choice.path,
    args: [...electronFlags({ virtual, env }), projectDir, ...extra],
  }
}

/** What any Electron needs here. @param {{ virtual: boolean, env: NodeJS.ProcessEnv }} options */
export function electronFlags({ virtual, env }) {
  const wayland = !virtual && !env['DISPLAY'] && Boolean(env['WAYLAND_DISPLAY'])
  return [
    // Root cannot use Chromium's sandbox; nobody else may go without.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...(virtual ? ['--disable-gpu'] : []),
    ...(wayland ? ['--ozone-platform=wayland'] : []),
  ]
}
