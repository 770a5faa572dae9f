// SPDX-License-Identifier: Apache-2.0
// The typed face of the addon (native-runner/addon), which has one method per call of libkrun's public
// header; what they mean is written there. The only module that loads the addon, and so the only one
// through which libkrun gets into a process.
// Every method throws a KrunCallError if the call returns a negative number or is missing.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { MicrovmError } from '../../src/contract/errors'
import { projectRoot } from '../../src/main/lib/entry-points'

/** An identifier from `createContext`. */
export type ContextId = number

/** Values of libkrun.h. */
export const krun = {
  diskFormat: { raw: 0, vmdk: 2 },
  /** Flushes reach the host's file system, on macOS not the drive itself. */
  syncRelaxed: 1,
  kernelFormat: { raw: 0, elf: 1 },
  feature: { net: 0, blk: 1 },
  logLevel: { off: 0, warn: 2 },
  logStyleNever: 2,
  /** No variable such as RUST_LOG changes what is logged. */
  logNoEnvironment: 1,
} as const

/** One method per call; a path, name or option that is null is a null pointer. */
export interface LibkrunCalls {
  setLogLevel(level: number): void
  initLog(targetFd: number, level: number, style: number, options: number): void
  createContext(): ContextId
  freeContext(context: ContextId): void
  setVmConfig(context: ContextId, cpus: number, memoryMib: number): void
  setRoot(context: ContextId, path: string): void
  addDisk3(
    context: ContextId,
    id: string,
    path: string,
    diskFormat: number,
    readOnly: boolean,
    directIo: boolean,
    sync: number,
  ): void
  setRootDiskRemount(
    context: ContextId,
    device: string,
    fsType: string | null,
    options: string | null,
  ): void
  addVirtiofs(context: ContextId, tag: string, path: string): void
  /** @param shmBytes of the DAX window; 0 for none */
  addVirtiofs3(
    context: ContextId,
    tag: string,
    path: string,
    shmBytes: number,
    readOnly: boolean,
  ): void
  /** Takes `fd` over. Exactly one of `path` and `fd` is given; the other is null or -1. */
  addNetUnixstream(
    context: ContextId,
    path: string | null,
    fd: number,
    mac: Uint8Array,
    features: number,
    flags: number,
  ): void
  setPasstFd(context: ContextId, fd: number): void
  setNetMac(context: ContextId, mac: Uint8Array): void
  disableImplicitConsole(context: ContextId): void
  /** The console's number. */
  addVirtioConsoleMultiport(context: ContextId): number
  addConsolePortTty(context: ContextId, console: number, name: string, ttyFd: number): void
  addConsolePortInout(
    context: ContextId,
    console: number,
    name: string,
    inputFd: number,
    outputFd: number,
  ): void
  disableImplicitVsock(context: ContextId): void
  disableImplicitInit(context: ContextId): void
  setKernel(
    context: ContextId,
    path: string,
    format: number,
    initramfs: string | null,
    commandLine: string | null,
  ): void
  setWorkdir(context: ContextId, path: string): void
  /** @param args without the program's name */
  setExec(context: ContextId, path: string, args: readonly string[], env: readonly string[]): void
  /** @param limits "RESOURCE=SOFT:HARD" */
  setRlimits(context: ContextId, limits: readonly string[]): void
  setUid(context: ContextId, uid: number): void
  setGid(context: ContextId, gid: number): void
  /** Linux has none (EINVAL). */
  getShutdownEventfd(context: ContextId): number
  /** 1 or 0; EINVAL for a feature this version has never heard of. */
  hasFeature(feature: number): number
  getMaxVcpus(): number
  /** Does not return: the process ends with the guest. Throws if there is no guest to start. */
  startEnter(context: ContextId): never
}

export interface Libkrun extends LibkrunCalls {
  /** The file that was loaded. */
  readonly path: string
  /** Whether this version of the library has the call. */
  has(call: keyof LibkrunCalls): boolean
}

/** The other side of a pseudo-terminal whose master we were given. Stays open as long as this process. */
export interface Terminal {
  readonly fd: number
  readonly path: string
}

interface Addon {
  readonly Libkrun: new (candidates: readonly string[]) => Libkrun
  openTerminal(masterFd: number): Terminal
  duplicate(fd: number): number
  redirect(from: number, to: number): void
}

interface KrunCallError extends Error {
  /** "krun_set_root" */
  readonly call: string
  /** "ENOENT"; absent if the library has no such call. */
  readonly code?: string
}

/**
 * Loads libkrun into this process, for good.
 * @param libDir where to look before the system's own places
 * @throws HYPERVISOR_FAILED with every path tried
 */
export function loadLibkrun(libDir: string | undefined): Libkrun {
  const { Libkrun: Constructor } = loadAddon()
  try {
    return new Constructor(libraryCandidates(libDir, process.platform))
  } catch (error) {
    const { tried } = error as { tried?: readonly { path: string; reason: string }[] }
    if (tried === undefined) throw error
    const reasons = tried.map(({ path, reason }) =>
      reason.startsWith(path) ? reason : `${path}: ${reason}`,
    )
    throw new MicrovmError('HYPERVISOR_FAILED', `libkrun is not found: ${reasons.join('; ')}`, {
      hint: 'Install libkrun 1.9 or newer with libkrunfw, or name the folder they are in.',
      cause: error,
    })
  }
}

/** In the folder given, then wherever the dynamic linker looks. */
export function libraryCandidates(libDir: string | undefined, platform: NodeJS.Platform): string[] {
  const names =
    platform === 'darwin' ? ['libkrun.1.dylib', 'libkrun.dylib'] : ['libkrun.so.1', 'libkrun.so']
  return [...(libDir === undefined ? [] : names.map((name) => join(libDir, name))), ...names]
}

/**
 * @param masterFd stays open
 * @throws a KrunCallError that names the system call
 */
export function openTerminal(masterFd: number): Terminal {
  return loadAddon().openTerminal(masterFd)
}

/**
 * Another descriptor of the same file; programs that we start do not get it.
 * @throws a KrunCallError that names the system call
 */
export function duplicate(fd: number): number {
  return loadAddon().duplicate(fd)
}

/**
 * Makes descriptor `to` another one for what `from` is; what it was before is closed.
 * @throws a KrunCallError that names the system call
 */
export function redirect(from: number, to: number): void {
  loadAddon().redirect(from, to)
}

/** An error of a call, as the user gets to see it; any other is left as it is. */
export function explainCallError(error: unknown): unknown {
  const { call, code } = error as Partial<KrunCallError>
  if (call === undefined) return error
  return new MicrovmError('HYPERVISOR_FAILED', `libkrun failed: ${(error as Error).message}`, {
    hint:
      code === undefined
        ? 'Install a newer libkrun, or run the machine with QEMU.'
        : 'What libkrun says of it is in runner.log.',
    cause: error,
  })
}

/** Whether it is the errno of a call. */
export const isErrno = (error: unknown, code: string): boolean =>
  (error as Partial<KrunCallError>).code === code

function loadAddon(): Addon {
  const path = join(projectRoot(), 'out', 'native', 'krun.node')
  try {
    return createRequire(import.meta.url)(path) as Addon
  } catch (error) {
    throw new MicrovmError(
      'HYPERVISOR_FAILED',
      `the addon for libkrun cannot be loaded: ${(error as Error).message}`,
      {
        hint: 'Run `npm run build:native` in the project’s folder, or install the app again.',
        cause: error,
      },
    )
  }
}
