// SPDX-License-Identifier: Apache-2.0
// The app's composition root: wires shell, IPC and engine, decides nothing. The window opens first;
// the engine is loaded beside it and first used when the page asks for something.
import { existsSync, mkdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { app, clipboard, ipcMain, Menu, safeStorage, session, shell } from 'electron'
import { IPC_CALL_CHANNEL, IPC_EVENT_CHANNEL, type AppInfo } from '../contract/ipc'
import type { Engine } from './engine'
import { appHandlers } from './ipc/app'
import { createConsoles } from './ipc/console'
import { forwardMachineEvents, type SendEvent } from './ipc/events'
import { createCallHandler } from './ipc/handle'
import { imagesHandlers } from './ipc/images'
import { operationHandlers, Operations } from './ipc/operations'
import { PathGrants } from './ipc/path-grants'
import { registriesHandlers } from './ipc/registries'
import { Terminals } from './ipc/terminals'
import { updatesHandlers } from './ipc/updates'
import { vmsHandlers } from './ipc/vms'
import { defaultDataDir } from './lib/data-paths'
import { projectRoot } from './lib/entry-points'
import { createLogger } from './lib/logger'
import { openAppLog } from './shell/app-log'
import { chooseDisk, chooseFolder, chooseImage, chooseTarget, showFailure } from './shell/dialogs'
import { loadUpdater } from './shell/load-updater'
import { MainWindow, tieToWindow } from './shell/main-window'
import { menuTemplate } from './shell/menu'
import { forbidNavigation, forbidRemoteContent, openInBrowser } from './shell/navigation'
import { packagedCommand } from './shell/packaged-command'
import { denyPermissions } from './shell/permissions'
import { declareAppScheme, serveRenderer } from './shell/protocol'
import { createSecretBox } from './shell/secret-box'
import { claimSingleInstance } from './shell/single-instance'
import { isTrustedSender } from './shell/trusted-sender'
import { catchUnhandled } from './shell/unhandled'
import { chooseUpdateFeed } from './shell/update-feed'
import { Updates } from './shell/updates'
import { openMainWindow } from './shell/window'

const MIB = 1024 * 1024
const SHUT_DOWN_MS = 3000

const dataDir = defaultDataDir(process.env, process.platform, homedir())
const electronDir = join(dataDir, 'electron')
mkdirSync(electronDir, { recursive: true, mode: 0o700 })
// Electron's own files live with ours, so that each data directory is an app of its own.
app.setPath('userData', electronDir)

const logFile = join(dataDir, 'app.log')
const logger = createLogger({ write: openAppLog(logFile) })
const built = (path: string): string => join(projectRoot(), 'out', path)

const send: SendEvent = (event, payload) => window.send(IPC_EVENT_CHANNEL, event, payload)
const operations = new Operations(send)
const terminals = new Terminals({
  connect: async (id) => (await engine()).machines.connect(id),
  send,
})
const consoles = createConsoles({ engine, send })
const window = new MainWindow({
  open: () =>
    openMainWindow({
      preload: built('preload/index.cjs'),
      boundsFile: join(electronDir, 'window.json'),
      logger,
    }),
  pageGone() {
    terminals.closeAll()
    consoles.unfollowAll()
  },
})

const feed = chooseUpdateFeed({
  packaged: app.isPackaged,
  env: process.env,
  named: existsSync(join(process.resourcesPath, 'app-update.yml')),
})
const updates = new Updates({
  off: feed.kind === 'off' ? feed.why : undefined,
  load: () => loadUpdater({ feed, dir: electronDir, app, logger }),
  countRunning,
  changed: (state) => send('updates.changed', state),
  logger,
})

let loading: Promise<Engine> | undefined

/** The engine, loaded on first use; a failed load is tried again on the next. */
async function engine(): Promise<Engine> {
  loading ??= loadEngine()
  try {
    return await loading
  } catch (error) {
    loading = undefined
    throw error
  }
}

async function loadEngine(): Promise<Engine> {
  const { createEngine } = await import('./engine')
  const secretBox = createSecretBox(safeStorage, process.platform)
  const created = await createEngine({ dataDir, env: process.env, logger, secretBox })
  forwardMachineEvents(created.machines, send)
  return created
}

async function countRunning(): Promise<number> {
  const machines = await (await engine()).machines.list()
  return machines.filter(({ state }) => !['stopped', 'failed'].includes(state.status)).length
}

async function info(): Promise<AppInfo> {
  const disk = await statfs(dataDir)
  return {
    version: app.getVersion(),
    platform: process.platform,
    dataDir,
    cli: app.isPackaged ? packagedCommand(process.resourcesPath) : 'npm run -s microvm --',
    host: {
      cores: availableParallelism(),
      memoryMib: Math.floor(totalmem() / MIB),
      diskFreeMib: Math.floor((disk.bavail * disk.bsize) / MIB),
    },
  }
}

function answerCalls(): void {
  const folders = new PathGrants(async () => window.current && (await chooseFolder(window.current)))
  const disks = new PathGrants(async () => window.current && (await chooseDisk(window.current)))
  const handle = createCallHandler({
    logger,
    isTrusted: (origin: Electron.IpcMainInvokeEvent) =>
      isTrustedSender(origin, window.current?.webContents.id),
    handlers: {
      ...appHandlers({ engine, info, openInBrowser, folders, disks, clipboard }),
      ...operationHandlers(operations),
      ...updatesHandlers(updates),
      ...vmsHandlers({ engine, operations, send, folders, disks, logger }),
      ...imagesHandlers({
        engine,
        operations,
        send,
        chooseImage: async (kind) => window.current && chooseImage(window.current, kind),
        chooseTarget: async (title, name) =>
          window.current && chooseTarget(window.current, title, name),
      }),
      ...registriesHandlers({ engine, operations }),
      ...consoles.handlers,
      ...terminals.handlers,
    },
  })
  ipcMain.handle(IPC_CALL_CHANNEL, handle)
}

function setMenu(): void {
  const template = menuTemplate({
    platform: process.platform,
    appName: app.name,
    packaged: app.isPackaged,
    send: (action) => send('menu.action', action),
    showLog: () => shell.showItemInFolder(logFile),
    showDataFolder: () => void shell.openPath(dataDir),
  })
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}

async function start(): Promise<void> {
  await app.whenReady()
  denyPermissions(session.defaultSession)
  forbidRemoteContent(session.defaultSession)
  serveRenderer(session.defaultSession, built('renderer'))
  answerCalls()
  setMenu()
  window.show()
  updates.watch()
  void engine().catch((error: unknown) => logger.error('engine did not load', { error }))
}

/** Closes the engine; whatever hangs in it must not keep the app from ending. */
async function shutDown(): Promise<void> {
  const closed = loading?.then((loaded) => loaded.close())
  await Promise.race([closed, setTimeout(SHUT_DOWN_MS)]).catch((error: unknown) =>
    logger.error('engine did not close', { error }),
  )
}

catchUnhandled({
  process,
  logger,
  show: (message, detail) => showFailure(window.current, message, detail, logFile),
})
declareAppScheme()
app.on('web-contents-created', (_event, contents) => forbidNavigation(contents, logger))
if (claimSingleInstance(app, window.show)) {
  tieToWindow(app, process.platform, window, shutDown)
  void start()
} else {
  app.exit()
}
