// SPDX-License-Identifier: Apache-2.0
// npm start: sets up, then opens the app and stays until it is closed. Where there is no display it opens the app on a
// virtual one, saves a picture of the window, tells the command that does the same job, and ends.
// Arguments after `--` go to the app.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { runSetUp } from './setup/entry.mjs'
import { inProject } from './setup/paths.mjs'
import { SetupProblem } from './setup/problem.mjs'

const hasDisplay =
  process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'])

await runSetUp({
  purposes: hasDisplay ? ['cli', 'app'] : ['cli', 'app', 'headless'],
  stream: process.stdout,
})
await (hasDisplay ? openApp() : showPortrait())

async function openApp() {
  const { electronCommand } = await import('./window/electron-command.mjs')
  const extra = process.argv.slice(2)
  const { executable, args } = await electronCommand({ virtual: false, env: process.env, extra })
  console.log('Opening the app; machines go on running when it is closed.')
  const child = spawn(executable, args, { stdio: 'inherit' })
  // A terminal sends Ctrl-C to the app as well: wait for it to end by itself.
  process.on('SIGINT', () => undefined)
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal))
  }
  const [code] = await once(child, 'close')
  process.exitCode = code ?? 1
}

async function showPortrait() {
  const { savePortrait } = await import('./window/portrait.mjs')
  const file = inProject('out/window.png')
  // What was started is stopped on exit; a signal alone would skip that.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
  console.log('\nThere is no display here, so the app opens on a virtual one (Xvfb).')
  try {
    await savePortrait({ file, env: process.env })
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    const remedy = 'If the app is open elsewhere, close it first. See docs/TROUBLESHOOTING.md.'
    console.error(new SetupProblem('window', cause, remedy).toString())
    process.exitCode = 1
    return
  }
  console.log(`It works; this is its window:\n  ${file}`)
  console.log('Without a display, this does the same job:\n  npm run -s microvm -- run starter')
}
