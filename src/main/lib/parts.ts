// SPDX-License-Identifier: Apache-2.0
// Finds the native parts a machine needs. Order: explicit setting, the bundled runtime, the system.
// It only looks; preflight says what a missing one means.
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { MicrovmError } from '../../contract/errors'

export type Part =
  | { readonly found: true; readonly path: string; readonly from: 'setting' | 'runtime' | 'system' }
  | { readonly found: false; readonly hint: string }

export interface Parts {
  /** qemu-system-* for this host's architecture. */
  readonly qemu: Part
  /** Folder with libkrun, and libkrunfw if that is not the system's. */
  readonly libkrun: Part
  /** What shares folders of the host with a guest of QEMU. */
  readonly virtiofsd: Part
  readonly gvproxy: Part
  /** The guest kernel: PVH ELF on x86-64, Image on arm64. */
  readonly kernel: Part
  /** Folder with bundle.tar, manifest.json and vm-disk.ext4. */
  readonly guest: Part
  /** OCI layout of the starter image. */
  readonly starter: Part
}

/** libkrun's file, as programs ask the dynamic linker for it. */
export const libkrunFile = process.platform === 'darwin' ? 'libkrun.1.dylib' : 'libkrun.so.1'
const multiarch = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
/** Where packages put what is in no PATH. */
const systemDirs = {
  libraries:
    process.platform === 'darwin'
      ? ['/opt/homebrew/lib', '/usr/local/lib']
      : ['/usr/lib64', `/usr/lib/${multiarch}`, '/usr/lib', '/usr/local/lib64', '/usr/local/lib'],
  helpers: ['/usr/libexec', '/usr/lib/qemu', '/usr/lib'],
}

/** As scripts/parts/platforms.mjs names it. */
const kernelFile = process.arch === 'arm64' ? 'kernel/Image' : 'kernel/vmlinux.elf'

const SETUP_HINT = 'Run `npm run setup` in the project’s folder, or install the app again.'

interface Search {
  readonly runtimeDir: string
  readonly env: NodeJS.ProcessEnv
  /** Where the system keeps what is in no PATH; the usual places unless given. */
  readonly dirs?: { readonly libraries: readonly string[]; readonly helpers: readonly string[] }
}

export async function locateParts(search: Search): Promise<Parts> {
  const { dirs = systemDirs } = search
  const qemuName = process.arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64'
  const [qemu, libkrun, virtiofsd, gvproxy, kernel, guest, starter] = await Promise.all([
    look(search, {
      setting: 'MICROVM_QEMU',
      inRuntime: `bin/${qemuName}`,
      inPath: qemuName,
      hint: 'Install QEMU 7.2 or newer: `apt-get install qemu-system-x86` on Debian and Ubuntu, `dnf install qemu-system-x86` on Fedora, `brew install qemu` on macOS.',
    }),
    look(search, {
      setting: 'MICROVM_LIBKRUN_DIR',
      inRuntime: 'lib',
      inSystem: dirs.libraries,
      folder: libkrunFile,
      hint: 'Install libkrun: `dnf install libkrun` on Fedora, `brew install slp/krun/libkrun` on macOS, or set MICROVM_LIBKRUN_DIR to the folder it lies in.',
    }),
    look(search, {
      setting: 'MICROVM_VIRTIOFSD',
      inRuntime: 'bin/virtiofsd',
      inPath: 'virtiofsd',
      inSystem: dirs.helpers.map((folder) => join(folder, 'virtiofsd')),
      hint: 'Install virtiofsd: `apt-get install virtiofsd` (qemu-system-common on Debian 12), `dnf install virtiofsd` on Fedora.',
    }),
    look(search, {
      setting: 'MICROVM_GVPROXY',
      inRuntime: 'bin/gvproxy',
      inPath: 'gvproxy',
      hint: SETUP_HINT,
    }),
    look(search, {
      setting: 'MICROVM_KERNEL',
      inRuntime: kernelFile,
      hint: SETUP_HINT,
    }),
    look(search, {
      setting: 'MICROVM_GUEST_DIR',
      inRuntime: 'guest',
      folder: true,
      hint: SETUP_HINT,
    }),
    look(search, {
      setting: 'MICROVM_STARTER',
      inRuntime: 'starter',
      folder: true,
      hint: SETUP_HINT,
    }),
  ])
  return { qemu, libkrun, virtiofsd, gvproxy, kernel, guest, starter }
}

interface Wanted {
  readonly setting: string
  readonly inRuntime: string
  /** A program of this name in PATH. */
  readonly inPath?: string
  /** Paths of the system's to look at after PATH. */
  readonly inSystem?: readonly string[]
  /** It is a folder, with this file in it if one is named. */
  readonly folder?: true | string
  readonly hint: string
}

async function look({ env, runtimeDir }: Search, part: Wanted): Promise<Part> {
  const { folder, inPath: program, inSystem = [] } = part
  const fits = async (path: string): Promise<boolean> => {
    if (folder === undefined) return await (program === undefined ? isReadable : isExecutable)(path)
    return folder === true ? await isFolder(path) : await isReadable(join(path, folder))
  }
  const explicit = env[part.setting]
  // A setting that points nowhere is a mistake to be told, not a reason to use something else.
  if (explicit) {
    const path = resolve(explicit)
    return (await fits(path))
      ? { found: true, path, from: 'setting' }
      : { found: false, hint: `${part.setting} is set to ${path}, which is not there.` }
  }
  const bundled = join(runtimeDir, part.inRuntime)
  if (await fits(bundled)) return { found: true, path: bundled, from: 'runtime' }
  for (const path of [...inPath(program, env), ...inSystem])
    if (await fits(path)) return { found: true, path, from: 'system' }
  return { found: false, hint: part.hint }
}

/**
 * The path of a part that a launch cannot do without.
 * @throws PREFLIGHT_FAILED with how to get it
 */
export function requirePart(parts: Parts, name: keyof Parts, title: string): string {
  const part = parts[name]
  if (part.found) return part.path
  throw new MicrovmError('PREFLIGHT_FAILED', `the ${title} is missing`, { hint: part.hint })
}

function inPath(name: string | undefined, env: NodeJS.ProcessEnv): string[] {
  if (name === undefined) return []
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, name))
}

const isFile = async (path: string, mode: number): Promise<boolean> => {
  try {
    await access(path, mode)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
const isReadable = (path: string): Promise<boolean> => isFile(path, constants.R_OK)
const isExecutable = (path: string): Promise<boolean> => isFile(path, constants.X_OK)
const isFolder = async (path: string): Promise<boolean> =>
  await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
