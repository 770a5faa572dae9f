// SPDX-License-Identifier: Apache-2.0
// The app in the real Electron, driven as a user drives it: as built in this checkout, or as packaged. Each test file has
// a data directory and a display of its own; whatever a failed test leaves running of it is stopped at the end.
// Needs what `npm run setup` makes: out/ and runtime/.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { chromium, type ElectronApplication, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { electronCommand, electronFlags } from '../../scripts/window/electron-command.mjs'
import { launchDriven } from '../../scripts/window/launch-driven.mjs'
import { openVirtualDisplay, type VirtualDisplay } from '../../scripts/window/virtual-display.mjs'
import { makeCli, processesNaming } from '../support/cli'

const artifacts = resolve(import.meta.dirname, '../artifacts')
const LAUNCH_MS = 60_000

/** An app that runs, whichever it is. */
export interface DrivenApp {
  readonly main: ChildProcess
  readonly page: Page
  /** Saves test/artifacts/<name>.png. */
  screenshot(name: string): Promise<void>
  /** As the user quits. Resolves with the exit code. */
  quit(): Promise<number | null>
  /** kill -9 of the app's main process; its own helpers follow, machines do not. */
  crash(): Promise<void>
}

/** This checkout's app, whose main process can be reached into. */
export interface RunningApp extends DrivenApp {
  readonly electron: ElectronApplication
  /** The system's theme, as the app sees it. */
  setTheme(theme: 'light' | 'dark'): Promise<void>
  /** Pixels of the page. */
  setSize(width: number, height: number): Promise<void>
}

/** A packaged app: its fuses shut debuggers out, so only its page is driven. */
export interface PackagedApp extends DrivenApp {
  /** Its standard error so far. */
  errors(): string
}

export interface AppHarness<A extends DrivenApp = RunningApp> {
  readonly dataDir: string
  launch(): Promise<A>
  /** A second start beside a running one: not driven, only seen to end. */
  startAgain(): Promise<ChildProcess>
}

/** This checkout's app. To be called once, at the top of a test file. */
export function useApp(): AppHarness {
  return useAppThat(
    async (env) => {
      const electron = await launchDriven({ env, timeoutMs: LAUNCH_MS })
      const page = await electron.firstWindow({ timeout: LAUNCH_MS })
      return drive(electron, page)
    },
    () => electronCommand({ virtual: true, env: {} }),
  )
}

/** A packaged app. To be called once, at the top of a test file. */
export function usePackagedApp(deps: {
  /** Asked at each launch. */
  executable(): string
  args?: readonly string[]
  /** Added to the environment; asked at each launch. */
  env?(): NodeJS.ProcessEnv
}): AppHarness<PackagedApp> {
  const command = () => ({
    executable: deps.executable(),
    args: [...electronFlags({ virtual: true, env: {} }), ...(deps.args ?? [])],
  })
  return useAppThat(
    async (env) => {
      const { executable, args } = command()
      const main = spawn(executable, [...args, '--remote-debugging-port=0'], {
        env: { ...env, ...deps.env?.() },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let errors = ''
      main.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      const address = await addressWithPage(main, () => errors)
      const browser = await chromium.connectOverCDP(address, { timeout: LAUNCH_MS })
      const [context] = browser.contexts()
      const page = context!.pages()[0] ?? (await context!.waitForEvent('page'))
      // Closing the window is how one quits; a call that closes its page has no answer.
      const close = () => page.evaluate(() => window.close()).catch(() => undefined)
      return { ...driven(main, page, close), errors: () => errors }
    },
    async () => command(),
  )
}

/** Where Chromium says that its pages can be driven, once the app's page is there: before, attaching may hang. */
async function addressWithPage(main: ChildProcess, errors: () => string): Promise<string> {
  const deadline = Date.now() + LAUNCH_MS
  for (;;) {
    const address = /^DevTools listening on ws:\/\/(\S+?)\//m.exec(errors())?.[1]
    if (address !== undefined) {
      const targets = (await (await fetch(`http://${address}/json/list`)).json()) as unknown
      if (JSON.stringify(targets).includes('"app://')) return `http://${address}`
    }
    if (main.exitCode !== null || Date.now() > deadline)
      throw new Error(`the packaged app did not start:\n${errors()}`)
    await setTimeout(20)
  }
}

function useAppThat<A extends DrivenApp>(
  start: (env: NodeJS.ProcessEnv) => Promise<A>,
  command: () => Promise<{ executable: string; args: readonly string[] }>,
): AppHarness<A> {
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
      const app = await start(environment())
      running.add(app.main)
      app.main.once('exit', () => running.delete(app.main))
      await app.page.waitForLoadState('load')
      return app
    },
    async startAgain() {
      const { executable, args } = await command()
      return spawn(executable, args, { env: environment(), stdio: 'ignore' })
    },
  }
}

function driven(main: ChildProcess, page: Page, close: () => Promise<void>): DrivenApp {
  return {
    main,
    page,
    async screenshot(name) {
      await page.screenshot({ path: join(artifacts, `${name}.png`) })
    },
    async quit() {
      // Playwright forgets the process when the app has ended.
      const [code] = (await Promise.all([once(main, 'exit'), close()]))[0] as [number | null]
      return code
    },
    crash: () => kill(main),
  }
}

function drive(electron: ElectronApplication, page: Page): RunningApp {
  return {
    ...driven(electron.process(), page, () => electron.close()),
    electron,
    setTheme: (theme) =>
      electron.evaluate(({ nativeTheme }, source) => {
        nativeTheme.themeSource = source
      }, theme),
    setSize: (width, height) =>
      electron.evaluate(
        ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(...size),
        [width, height] as [number, number],
      ),
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
