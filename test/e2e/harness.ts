// SPDX-License-Identifier: Apache-2.0
// The built app in the real Electron, driven as a user drives it. Each test file has a data directory
// and a display of its own; whatever a failed test leaves running of it is stopped at the end.
// Needs what `npm run setup` makes: out/ and runtime/.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ElectronApplication, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { electronCommand } from '../../scripts/window/electron-command.mjs'
import { launchDriven } from '../../scripts/window/launch-driven.mjs'
import { openVirtualDisplay, type VirtualDisplay } from '../../scripts/window/virtual-display.mjs'
import { makeCli, processesNaming } from '../support/cli'

const artifacts = resolve(import.meta.dirname, '../artifacts')
const LAUNCH_MS = 60_000

export interface RunningApp {
  readonly electron: ElectronApplication
  readonly page: Page
  /** Saves test/artifacts/<name>.png. */
  screenshot(name: string): Promise<void>
  /** The system's theme, as the app sees it. */
  setTheme(theme: 'light' | 'dark'): Promise<void>
  /** Pixels of the page. */
  setSize(width: number, height: number): Promise<void>
  /** As the user quits. Resolves with the exit code. */
  quit(): Promise<number | null>
  /** kill -9 of the app's main process; its own helpers follow, machines do not. */
  crash(): Promise<void>
}

export interface AppHarness {
  readonly dataDir: string
  launch(): Promise<RunningApp>
  /** A second start beside a running one: not driven, only seen to end. */
  startAgain(): Promise<ChildProcess>
}

/** To be called once, at the top of a test file. */
export function useApp(): AppHarness {
  let display: VirtualDisplay
  let dataDir = ''
  const running = new Set<ChildProcess>()
  const environment = (): NodeJS.ProcessEnv => ({
    ...Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_|ELECTRON_)/.test(name)),
    ),
    ...display.env,
    MICROVM_DATA_DIR: dataDir,
  })

  beforeAll(async () => {
    display = await openVirtualDisplay({ size: '1920x1200' })
    dataDir = await mkdtemp(join(tmpdir(), 'microvm-e2e-'))
    await mkdir(artifacts, { recursive: true })
  })

  afterAll(async () => {
    for (const main of running) await kill(main)
    await cleanUp(dataDir)
    await display.close()
  })

  return {
    get dataDir() {
      return dataDir
    },
    async launch() {
      // Of a test that failed: it would hold the data directory.
      for (const main of running) await kill(main)
      const electron = await launchDriven({ env: environment(), timeoutMs: LAUNCH_MS })
      const main = electron.process()
      running.add(main)
      main.once('exit', () => running.delete(main))
      const page = await electron.firstWindow({ timeout: LAUNCH_MS })
      await page.waitForLoadState('load')
      return drive(electron, main, page)
    },
    async startAgain() {
      const env = environment()
      const { executable, args } = await electronCommand({ virtual: true, env })
      return spawn(executable, args, { env, stdio: 'ignore' })
    },
  }
}

function drive(electron: ElectronApplication, main: ChildProcess, page: Page): RunningApp {
  return {
    electron,
    page,
    async screenshot(name) {
      await page.screenshot({ path: join(artifacts, `${name}.png`) })
    },
    setTheme: (theme) =>
      electron.evaluate(({ nativeTheme }, source) => {
        nativeTheme.themeSource = source
      }, theme),
    setSize: (width, height) =>
      electron.evaluate(
        ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(...size),
        [width, height] as [number, number],
      ),
    async quit() {
      // Playwright forgets the process when the app has ended.
      const [code] = (await Promise.all([once(main, 'exit'), electron.close()]))[0] as [
        number | null,
      ]
      return code
    },
    crash: () => kill(main),
  }
}

async function kill(main: ChildProcess): Promise<void> {
  if (main.exitCode !== null || main.signalCode !== null) return
  const gone = once(main, 'exit')
  main.kill('SIGKILL')
  await gone
}

/** Removes machines and data; then nothing that names the directory may be left. */
async function cleanUp(dataDir: string): Promise<void> {
  let problem: unknown
  try {
    await (await makeCli({ dataDir })).dispose()
  } catch (error) {
    problem = error
  }
  for (const line of await processesNaming(dataDir))
    process.kill(Number.parseInt(line, 10), 'SIGKILL')
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  if (problem !== undefined)
    throw new Error('the machines could not be removed', { cause: problem })
}
