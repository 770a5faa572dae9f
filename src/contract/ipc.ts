// SPDX-License-Identifier: Apache-2.0
// Every call and event between renderer and main, declared once. Main validates sender and
// arguments against this table (src/main/ipc); the renderer gets a typed client made from it
// (src/renderer/api); the preload only forwards. Results are trusted: main made them.
import { z } from 'zod'
import type { WireError } from './errors'
import {
  digestSchema,
  exportFormats,
  type FilePage,
  type FileSearch,
  type FileText,
  type ImageFacts,
  type ImageFiles,
  type ImageView,
  type Progress,
  type PruneReport,
} from './images'
import type { InstallAnswer, UpdateState } from './updates'
import {
  registrySettingSchema,
  type DaemonSetting,
  type RegistryLogin,
  type RegistrySettingView,
} from './registries'
import { portForwardSchema, vmIdSchema, vmSpecSchema, type VmSpec } from './vm-spec'
import type { BackendChoice, VmState, VmStats } from './vm-state'

/** A machine as the window shows it: what was asked for, and what is. */
export interface VmView {
  readonly id: string
  readonly spec: VmSpec
  readonly state: VmState
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Of the image's manifest, from the first start on. */
  readonly imageDigest?: string
  /** Set when spec.json or state.json could not be read and was set aside. */
  readonly damaged?: WireError
  /** The latest reading, while it runs. */
  readonly stats?: VmStats
  /** What a launch under way is doing. */
  readonly progress?: Progress
}

export interface DoctorCheck {
  readonly name: string
  /** 'warning': works, with a drawback. */
  readonly status: 'ok' | 'warning' | 'failed'
  /** What was found: "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64". */
  readonly detail: string
  readonly hint?: string
}
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[]
  /** Absent if no backend can run. */
  readonly backend?: BackendChoice
}

export interface AppInfo {
  readonly version: string
  readonly platform: string
  readonly dataDir: string
  /** The shell command that is this app's CLI, for "same as" hints: "npm run -s microvm --". */
  readonly cli: string
  readonly host: {
    readonly cores: number
    readonly memoryMib: number
    readonly diskFreeMib: number
  }
}

/** Output of a terminal is paused when this many bytes are unacknowledged, resumed below half. */
export const TERMINAL_WINDOW_BYTES = 512 * 1024

const call =
  <A extends z.ZodType>(args: A) =>
  <R>(): { readonly args: A; readonly result: R } => ({ args, result: undefined as R })

const none = z.undefined()
const vm = z.object({ id: vmIdSchema })
/** Chosen by the renderer, names a long call for `operations.cancel` and for progress events. */
const operationId = z.string().min(1).max(64)
const terminalId = z.string().min(1).max(64)
const cols = z.number().int().min(2).max(1000)
const rows = z.number().int().min(1).max(1000)
const reference = z.string().trim().min(1).max(512)
/** Which image's files to look at, and in which state (`FileView`). */
const imageFiles = z.object({
  digest: digestSchema,
  view: z.object({
    layer: z.number().int().min(0).max(999).optional(),
    changesOnly: z.boolean().optional(),
  }),
})
/** No leading slash; '' is the root. As long as PATH_MAX. */
const imageFile = imageFiles.extend({ path: z.string().max(4096) })

export const ipcCalls = {
  'app.info': call(none)<AppInfo>(),
  'app.doctor': call(none)<DoctorReport>(),
  'app.openExternal': call(z.object({ url: z.url({ protocol: /^https?$/ }).max(2048) }))<void>(),
  /** Asks for a folder with the system's dialog. A new machine may share no folder but such. null: dismissed. */
  'app.chooseFolder': call(none)<string | null>(),
  /** As `app.chooseFolder`, for the file behind a disk. */
  'app.chooseDisk': call(none)<string | null>(),
  'app.readClipboard': call(none)<string>(),
  'app.writeClipboard': call(z.object({ text: z.string().max(16 * 1024 * 1024) }))<void>(),

  'updates.state': call(none)<UpdateState>(),
  /** Resolves when it is done; what it does is told by `updates.changed`. */
  'updates.check': call(none)<void>(),
  /** Ends the app. While machines run, only once the user has said yes to it. */
  'updates.install': call(z.object({ confirmed: z.boolean() }))<InstallAnswer>(),

  'operations.cancel': call(z.object({ operationId }))<void>(),

  'vms.list': call(none)<VmView[]>(),
  'vms.suggestName': call(none)<string>(),
  /** Creates and starts. Resolves as soon as the machine exists; boot goes on, seen in `vm.changed`. */
  'vms.launch': call(z.object({ spec: vmSpecSchema, operationId }))<VmView>(),
  'vms.start': call(vm)<void>(),
  'vms.stop': call(vm.extend({ force: z.boolean().default(false) }))<void>(),
  'vms.restart': call(vm)<void>(),
  'vms.resume': call(vm)<void>(),
  /** Stops it if need be, then deletes its disk and everything else of it. */
  'vms.remove': call(vm)<void>(),
  'vms.setPorts': call(vm.extend({ ports: z.array(portForwardSchema).max(64) }))<void>(),

  'images.list': call(none)<ImageView[]>(),
  'images.pull': call(z.object({ reference, operationId }))<ImageFacts>(),
  /**
   * Asks for an OCI archive (a file) or an OCI layout (a folder) with the system's dialog, imports it;
   * no dialog asks for both everywhere. null: the dialog was dismissed.
   */
  'images.import': call(
    z.object({ operationId, kind: z.enum(['archive', 'folder']).default('archive') }),
  )<ImageFacts | null>(),
  /** Refused while machines need it and it has no other name. */
  'images.remove': call(z.object({ reference }))<void>(),
  /** Gives it one more name. */
  'images.tag': call(z.object({ reference, name: reference }))<ImageFacts>(),
  /** Asks where with the system's dialog, writes the image there as a tar. null: the dialog was dismissed. */
  'images.export': call(z.object({ reference, format: z.enum(exportFormats), operationId }))<
    string | null
  >(),
  /** Removes what no machine needs: leftovers, and with `all` images, too. In a dry run it only says what would go. */
  'images.prune': call(
    z.object({
      all: z.boolean(),
      unusedForDays: z.number().int().min(0).max(3650),
      dryRun: z.boolean(),
    }),
  )<PruneReport>(),

  /** Reads what the image's layers did to its files; its `digest` names it in the calls below. */
  'images.openFiles': call(z.object({ reference, operationId }))<ImageFiles>(),
  /** Some names of a folder, from `offset` on. */
  'images.listFiles': call(
    imageFile.extend({
      offset: z.number().int().min(0),
      limit: z.number().int().min(1).max(500),
    }),
  )<FilePage>(),
  /** Where in the list of each folder on its way a path is, from the root on. */
  'images.locateFile': call(imageFile)<number[] | null>(),
  /** Index of the first name in a folder, from `from` on and then from the top, that begins with `prefix`. */
  'images.seekFile': call(
    imageFile.extend({ prefix: z.string().min(1).max(255), from: z.number().int().min(0) }),
  )<number | null>(),
  /** By a part of the path, or a pattern with `*`, `?` and `**`. */
  'images.searchFiles': call(
    imageFiles.extend({ query: z.string().trim().min(1).max(256), operationId }),
  )<FileSearch>(),
  'images.readFile': call(imageFile)<FileText>(),
  /** Asks where with the system's dialog, copies the file there. null: the dialog was dismissed. */
  'images.saveFile': call(imageFile.extend({ operationId }))<string | null>(),

  'registries.logins': call(none)<RegistryLogin[]>(),
  /** Asks the registry first; keeps only what it takes. */
  'registries.login': call(
    z.object({
      registry: z.string().trim().min(1).max(255),
      username: z.string().trim().min(1).max(255),
      password: z.string().min(1).max(16_384),
      operationId,
    }),
  )<RegistryLogin>(),
  'registries.logout': call(z.object({ registry: z.string().min(1).max(255) }))<void>(),
  /** Mirrors, and registries without encryption; those of the environment first. */
  'registries.settings': call(none)<RegistrySettingView[]>(),
  'registries.addSetting': call(z.object({ setting: registrySettingSchema }))<void>(),
  'registries.removeSetting': call(z.object({ setting: registrySettingSchema }))<void>(),
  'registries.daemons': call(none)<DaemonSetting>(),
  'registries.askDaemons': call(z.object({ isAsked: z.boolean() }))<void>(),

  /** Past output, at most the last 256 KiB, and from now on `console.data` events. */
  'console.follow': call(vm)<string>(),
  'console.unfollow': call(vm)<void>(),

  'terminals.open': call(vm.extend({ terminalId, cols, rows }))<void>(),
  'terminals.write': call(z.object({ terminalId, data: z.string().max(4 * 1024 * 1024) }))<void>(),
  'terminals.resize': call(z.object({ terminalId, cols, rows }))<void>(),
  /** The renderer has drawn this many bytes more. */
  'terminals.ack': call(z.object({ terminalId, bytes: z.number().int().positive() }))<void>(),
  'terminals.close': call(z.object({ terminalId }))<void>(),
} as const

export type IpcCall = keyof typeof ipcCalls
export type IpcArgs<C extends IpcCall> = z.input<(typeof ipcCalls)[C]['args']>
/** After validation: defaults filled in. */
export type IpcParsedArgs<C extends IpcCall> = z.output<(typeof ipcCalls)[C]['args']>
export type IpcResult<C extends IpcCall> = (typeof ipcCalls)[C]['result']

export interface IpcEvents {
  'updates.changed': UpdateState
  'vm.changed': VmView
  'vm.removed': { readonly id: string }
  /** The list of images is another one now. */
  'images.changed': null
  'operation.progress': { readonly operationId: string; readonly progress: Progress }
  'console.data': { readonly id: string; readonly data: string }
  'terminal.data': { readonly terminalId: string; readonly data: Uint8Array }
  /** The shell ended. `code` is absent if the connection broke. */
  'terminal.closed': {
    readonly terminalId: string
    readonly code?: number
    readonly error?: WireError
  }
  /** A menu item or global shortcut wants something of the window. */
  'menu.action': 'new-machine' | 'toggle-terminal' | 'command-palette'
}
export type IpcEvent = keyof IpcEvents

/** How a result crosses: errors as values, so that code and hint survive. */
export type IpcReply<R> = { ok: true; value: R } | { ok: false; error: WireError }

/** All calls go over one channel, all events over another. */
export const IPC_CALL_CHANNEL = 'microvm:call'
export const IPC_EVENT_CHANNEL = 'microvm:event'

/** What the preload puts at `window.api`. */
export interface PreloadApi {
  call(name: string, args: unknown): Promise<IpcReply<unknown>>
  /** Returns the function that unsubscribes. */
  on(listener: (event: string, payload: unknown) => void): () => void
}
