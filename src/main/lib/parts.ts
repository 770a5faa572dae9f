// SPDX-License-Identifier: Apache-2.0
// Finds the native parts a machine needs. Order: explicit setting, the bundled runtime, the system.
// It only looks; preflight says what a missing one means.
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'

export type Part =
  | { readonly found: true; readonly path: string; readonly from: 'setting' | 'runtime' | 'system' }
  | { readonly found: false; readonly hint: string }

export interface Parts {
  /** qemu-system-* for this host's architecture. */
  readonly qemu: Part
  readonly gvproxy: Part
  /** The guest kernel as PVH ELF. */
  readonly kernel: Part
  /** Folder with bundle.tar, manifest.json and vm-disk.ext4. */
  readonly guest: Part
  /** OCI layout of the starter image. */
  readonly starter: Part
}

const SETUP_HINT = 'Run `npm run setup` in the project’s folder, or install the app again.'

export async function locateParts(options: {
  runtimeDir: string
  env: NodeJS.ProcessEnv
}): Promise<Parts> {
  const { env, runtimeDir } = options
  const qemuName = process.arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64'
  const look = async (part: {
    setting: string
    inRuntime: string
    inPath?: string
    folder?: boolean
    hint: string
  }): Promise<Part> => {
    const kind = part.folder ? isFolder : part.inPath === undefined ? isReadable : isExecutable
    const explicit = env[part.setting]
    // A setting that points nowhere is a mistake to be told, not a reason to use something else.
    if (explicit) {
      const path = resolve(explicit)
      return (await kind(path))
        ? { found: true, path, from: 'setting' }
        : { found: false, hint: `${part.setting} is set to ${path}, which is not there.` }
    }
    const bundled = join(runtimeDir, part.inRuntime)
    if (await kind(bundled)) return { found: true, path: bundled, from: 'runtime' }
    const system = part.inPath === undefined ? undefined : await inPath(part.inPath, env)
    return system === undefined
      ? { found: false, hint: part.hint }
      : { found: true, path: system, from: 'system' }
  }
  const [qemu, gvproxy, kernel, guest, starter] = await Promise.all([
    look({
      setting: 'MICROVM_QEMU',
      inRuntime: `bin/${qemuName}`,
      inPath: qemuName,
      hint: 'Install QEMU 7.2 or newer: `apt-get install qemu-system-x86` on Debian and Ubuntu, `dnf install qemu-system-x86` on Fedora, `brew install qemu` on macOS.',
    }),
    look({
      setting: 'MICROVM_GVPROXY',
      inRuntime: 'bin/gvproxy',
      inPath: 'gvproxy',
      hint: SETUP_HINT,
    }),
    look({ setting: 'MICROVM_KERNEL', inRuntime: 'kernel/vmlinux.elf', hint: SETUP_HINT }),
    look({ setting: 'MICROVM_GUEST_DIR', inRuntime: 'guest', folder: true, hint: SETUP_HINT }),
    look({ setting: 'MICROVM_STARTER', inRuntime: 'starter', folder: true, hint: SETUP_HINT }),
  ])
  return { qemu, gvproxy, kernel, guest, starter }
}

async function inPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name)
    if (await isExecutable(path)) return path
  }
  return undefined
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
