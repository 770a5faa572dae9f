// SPDX-License-Identifier: Apache-2.0
// Everything the product can do, without a window: the app's IPC handlers and the CLI are two
// faces of this one object. Plain Node; imports no Electron.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DoctorReport, VmView } from '../contract/ipc'
import { RUNNER_SOCKET } from '../contract/runner-rpc'
import type { PortForward, VmSpecInput } from '../contract/vm-spec'
import type { VmState } from '../contract/vm-state'
import { lastingInstallation } from './extract/lasting-installation'
import type { Backend } from './hypervisor/backend'
import { chooseBackend, probeBackends } from './hypervisor/choose-backend'
import { defaultBackends } from './hypervisor/default-backends'
import { connectRunner } from './hypervisor/runner-client'
import { adoptVm } from './hypervisor/vm-handle'
import { createDockerCredentials } from './image/registry/docker-credentials'
import { createDiskImages, type DiskImages } from './image/disk/disk-images'
import { createImageBrowser, type ImageBrowser } from './image/browse/browse-service'
import { createImageStore, type ImageStore } from './image/image-store'
import { daemonFetchers } from './image/daemon/daemon-fetcher'
import type { ImageFetcher } from './image/fetcher'
import { parseReference } from './image/reference'
import { registryFetcher } from './image/registry/registry-image'
import {
  createRegistrySettingsEditor,
  type RegistrySettingsEditor,
} from './image/registry/edit-settings'
import { createRegistryLogins, type RegistryLogins } from './image/registry/registry-logins'
import { networkSettings } from './image/registry/registry-network'
import { readRegistrySettings } from './image/registry/registry-settings'
import { createSealedCredentials, type SecretBox } from './image/registry/sealed-credentials'
import { dataPaths, socketDirFor, type DataPaths } from './lib/data-paths'
import { thisInstallation } from './lib/installation'
import { silentLogger, type Logger } from './lib/logger'
import { locateParts, type Parts } from './lib/parts'
import { runChecks } from './preflight/checks'
import { hostChecks } from './preflight/host-checks'
import { createEngineDisks } from './run/engine-disks'
import { createEngineImages } from './run/engine-images'
import { launchVm } from './run/launch'
import type { LaunchOptions } from './run/launch-options'
import { connectGuest, throughGvproxy } from './ssh/connect-guest'
import type { GuestConnection } from './ssh/guest-connection'
import { loadKeys } from './ssh/keys'
import { createVmFiles } from './state/vm-files'
import { createMachines } from './vms/machines'

export type VmEvent =
  | { readonly type: 'changed'; readonly vm: VmView }
  | { readonly type: 'removed'; readonly id: string }

export type StartOptions = LaunchOptions

export interface Machines {
  /** Machines on disk, running ones adopted; also those another process made. */
  list(): Promise<VmView[]>
  /** By id, name or unambiguous id prefix; NOT_FOUND otherwise. */
  get(idOrName: string): Promise<VmView>
  suggestName(): Promise<string>
  create(spec: VmSpecInput): Promise<VmView>
  /** Resolves when sshd answers in the guest (status `running`). */
  start(id: string, options?: StartOptions): Promise<VmView>
  /** Asks the guest, then TERM, then KILL. Resolves when it is off and nothing of it is left running. */
  stop(id: string, options?: { force?: boolean }): Promise<VmView>
  restart(id: string, options?: StartOptions): Promise<VmView>
  resume(id: string): Promise<VmView>
  remove(id: string): Promise<void>
  setPorts(id: string, ports: readonly PortForward[]): Promise<VmView>
  /** Pinned host key, key of this machine; no host port involved. Waits for sshd up to its time limit. */
  connect(id: string, signal?: AbortSignal): Promise<GuestConnection>
  /** At most `maxBytes` from the end of the console log. */
  readConsole(id: string, maxBytes: number): Promise<string>
  /** New console output as it comes; returns the function that stops it. */
  followConsole(id: string, listener: (text: string) => void): () => void
  /** Every change, whoever made it; returns the function that unsubscribes. */
  subscribe(listener: (event: VmEvent) => void): () => void
}

export interface Engine {
  readonly machines: Machines
  readonly images: ImageStore
  /** Raw disks, beside those of container images. */
  readonly disks: DiskImages
  readonly logins: RegistryLogins
  readonly registrySettings: RegistrySettingsEditor
  /** A look into stored images. */
  readonly browser: ImageBrowser
  doctor(): Promise<DoctorReport>
  /** Stops watching and closes connections; machines keep running. */
  close(): Promise<void>
}

export interface EngineOptions {
  readonly dataDir: string
  readonly env: NodeJS.ProcessEnv
  /** Where the native parts are; found by the environment and the installation unless given. */
  readonly runtimeDir?: string
  readonly logger?: Logger
  /** Seals logins made here; without, they go where docker keeps its own. */
  readonly secretBox?: SecretBox
  /** The architecture of guests that `backends` can run, as `process.arch`, which it is unless given. */
  readonly arch?: string
  /** In order of preference; libkrun, then QEMU unless given. */
  readonly backends?: readonly Backend[]
  /** Each runner in a user namespace of its own (Linux); MICROVM_USER_NAMESPACE=1 says so, too. */
  readonly userNamespace?: boolean
  /** Where images come from, in the order to be asked: made of the usual, Docker, Podman, registries. */
  readonly fetchers?: (usual: readonly ImageFetcher[]) => readonly ImageFetcher[]
}

/**
 * Puts the product together. Touches nothing on disk; the first use of each part does. One exception: where this
 * installation may go while machines run, its first start copies what they run from.
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { env, dataDir, logger = silentLogger } = options
  const paths = dataPaths(dataDir)
  const files = createVmFiles(paths)
  const { locate, backends, userNamespace } = await machinery(options, paths, logger)
  const { starter } = await locate()
  const starterLayout = starter.found ? starter.path : undefined
  const { images, logins, registrySettings } = createImages(paths, starterLayout, options)
  const network = networkSettings(env)
  const diskImages = createDiskImages({ folder: paths.images.diskImages, network, logger })
  const host = { backends, userNamespace, parts: locate }
  const launchDeps = { ...host, paths, files, images, diskImages, env, logger }
  const machines = createMachines({
    paths,
    files,
    env,
    logger,
    now: Date.now,
    checkReference: (reference) => void parseReference(reference),
    adopt: adoptVm,
    askRunner: (id) => askRunner(socketDirFor(paths.vm(id).dir, id, env)),
    launch: (record, startedAt, launchOptions) =>
      launchVm(launchDeps, record, startedAt, launchOptions),
    connect: async (id, handle, signal) => {
      const [endpoint, keys] = await Promise.all([
        handle.client.request('sshEndpoint', {}),
        loadKeys(paths.vm(id).keys),
      ])
      return await connectGuest(throughGvproxy, endpoint, keys, signal ? { signal } : {})
    },
  })

  const users = { files, runnerConfigOf: (id: string) => paths.vm(id).runnerConfig }
  const disks = createEngineDisks({ disks: diskImages, ...users })
  const browser = createImageBrowser({ find: images.find, layersFolder: paths.images.layers })

  return {
    machines,
    registrySettings,
    images: createEngineImages({
      images,
      disks,
      ...users,
      disksDir: paths.images.disks,
      parts: locate,
      logger,
    }),
    disks,
    logins,
    browser,
    doctor: () => examineHost({ dataDir, locate, backends, userNamespace }),
    close: async () => {
      await Promise.all([machines.close(), browser.close()])
    },
  }
}

async function examineHost({
  dataDir,
  locate,
  backends,
  userNamespace,
}: Awaited<ReturnType<typeof machinery>> & { dataDir: string }): Promise<DoctorReport> {
  const [parts, reports] = await Promise.all([locate(), probeBackends(backends)])
  const chosen = chooseBackend(reports)
  const context = { parts, dataDir, backends: reports, chosen, userNamespace }
  const found = await runChecks(hostChecks, context)
  return {
    checks: found.map(({ required: _required, ...check }) => check),
    ...(chosen.found ? { backend: chosen.probe.choice } : {}),
  }
}

/** What machines are made of here, and what runs them. */
async function machinery(
  { env, backends, userNamespace = env['MICROVM_USER_NAMESPACE'] === '1', ...given }: EngineOptions,
  { root: cacheDir, installed: into, vms }: DataPaths,
  logger: Logger,
) {
  const installation = await lastingInstallation(thisInstallation(env), { env, into, vms, logger })
  const runtimeDir = given.runtimeDir ?? installation.runtimeDir
  const parts = (): Promise<Parts> => locateParts({ runtimeDir, env })
  const shared = { parts, cacheDir, env, logger, userNamespace, installation }
  return { locate: parts, backends: backends ?? defaultBackends(shared), userNamespace }
}

function createImages(
  paths: DataPaths,
  starterLayout: string | undefined,
  {
    env,
    logger = silentLogger,
    secretBox: box,
    arch = process.arch,
    fetchers = (usual) => usual,
  }: EngineOptions,
): Pick<Engine, 'images' | 'logins' | 'registrySettings'> {
  const { logins: path, loginsLock: lockPath } = paths
  const home = env['HOME'] || homedir()
  const docker = createDockerCredentials({ env, home, lockPath })
  const sealed = box && createSealedCredentials({ path, lockPath, box, logger })
  const stores = [
    ...(sealed ? [{ keeper: 'app', store: sealed } as const] : []),
    { keeper: 'docker', store: docker } as const,
  ]
  const network = networkSettings(env)
  const settings = () => readRegistrySettings(paths.registries, env)
  const logins = createRegistryLogins({ stores, network, settings })
  const usual = [
    ...daemonFetchers({
      env,
      home,
      uid: process.getuid?.() ?? 0,
      enabled: async () => (await settings()).daemons ?? true,
    }),
    registryFetcher({ network, settings, credentials: logins }),
  ]
  const store = { paths: paths.images, starterLayout, logger, fetchers: fetchers(usual), arch }
  const images = createImageStore(store)
  const editing = { path: paths.registries, lockPath: paths.registriesLock, env }
  return { images, logins, registrySettings: createRegistrySettingsEditor(editing) }
}

async function askRunner(socketDir: string): Promise<VmState | undefined> {
  const client = await connectRunner(join(socketDir, RUNNER_SOCKET)).catch(() => undefined)
  const state = await client?.request('status', {}).catch(() => undefined)
  client?.close()
  return state
}
