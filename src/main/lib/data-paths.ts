// SPDX-License-Identifier: Apache-2.0
// Where everything lies in the data directory (docs/ARCHITECTURE.md, "State").
import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

export interface VmPaths {
  readonly dir: string
  readonly spec: string
  readonly state: string
  readonly runnerConfig: string
  readonly disk: string
  /** In place of disk and config drive, where the backend has no block devices. */
  readonly rootDir: string
  readonly configDrive: string
  /** Copies of downloaded disks that the machine writes to, by their places in its spec. */
  readonly disks: string
  readonly keys: string
  readonly knownHosts: string
  readonly consoleLog: string
  readonly runnerLog: string
  readonly lock: string
}

export interface DataPaths {
  readonly root: string
  readonly images: {
    readonly root: string
    readonly refs: string
    readonly manifests: string
    readonly layers: string
    readonly disks: string
    /** Raw disk images of URLs and files, for machines to have beside their own disk. */
    readonly diskImages: string
    /** Trees written out, where disks are of no use and clones cost nothing. */
    readonly directories: string
    readonly lock: string
    /** Held, shared, by whoever writes temp files of layers. */
    readonly writers: string
  }
  /** What the user has set about registries. */
  readonly registries: string
  readonly registriesLock: string
  /** The app's logins at registries, and what is held while any login changes. */
  readonly logins: string
  readonly loginsLock: string
  readonly vms: string
  /** What machines run from where the app's own files may go (src/main/extract). */
  readonly installed: string
  vm(id: string): VmPaths
}

/** MICROVM_DATA_DIR, else the platform's folder for an application's data. */
export function defaultDataDir(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  home: string,
): string {
  if (env['MICROVM_DATA_DIR']) return resolve(env['MICROVM_DATA_DIR'])
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'MicroVM Desktop')
  // A relative XDG path is to be ignored (XDG Base Directory Specification).
  const xdg = env['XDG_DATA_HOME']
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.local', 'share'), 'microvm-desktop')
}

export function dataPaths(root: string): DataPaths {
  const images = join(root, 'images')
  const vms = join(root, 'vms')
  return {
    root,
    images: {
      root: images,
      refs: join(images, 'refs'),
      manifests: join(images, 'manifests'),
      layers: join(images, 'layers'),
      disks: join(images, 'disks'),
      diskImages: join(images, 'disk-images'),
      directories: join(images, 'directories'),
      lock: join(images, 'lock'),
      writers: join(images, 'writers'),
    },
    registries: join(root, 'registries.json'),
    registriesLock: join(root, '.registries.lock'),
    logins: join(root, 'logins.json'),
    loginsLock: join(root, '.logins.lock'),
    vms,
    installed: join(root, 'installed'),
    vm: (id) => {
      const dir = join(vms, id)
      return {
        dir,
        spec: join(dir, 'spec.json'),
        state: join(dir, 'state.json'),
        runnerConfig: join(dir, 'runner.json'),
        disk: join(dir, 'disk.ext4'),
        rootDir: join(dir, 'root'),
        configDrive: join(dir, 'config.erofs'),
        disks: join(dir, 'disks'),
        keys: join(dir, 'keys'),
        knownHosts: join(dir, 'known_hosts'),
        consoleLog: join(dir, 'console.log'),
        runnerLog: join(dir, 'runner.log'),
        // Beside the folder: deleting a machine must not delete the lock it is deleted under.
        lock: join(vms, `.${id}.lock`),
      }
    },
  }
}

/** sun_path holds 104 bytes with its NUL on macOS, 108 on Linux (unix(4), unix(7)). */
const SUN_PATH_BYTES = 104
const LONGEST_SOCKET_NAME = 'gvproxy-api.sock'

/**
 * A folder in which a socket's path is short enough: the machine's own, else one that only this
 * user can have made under the runtime or temp directory. The caller makes it, mode 0700, and
 * checks its owner.
 */
export function socketDirFor(vmDir: string, vmId: string, env: NodeJS.ProcessEnv): string {
  const fits = (dir: string): boolean =>
    Buffer.byteLength(join(dir, LONGEST_SOCKET_NAME)) < SUN_PATH_BYTES
  if (fits(vmDir)) return vmDir
  const unique = createHash('sha256').update(vmDir).digest('hex').slice(0, 12)
  const name = `microvm-${vmId}-${unique}`
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime && isAbsolute(runtime) && fits(join(runtime, name))) return join(runtime, name)
  const temp = join(tmpdir(), `microvm-${userInfo().uid}-${vmId}-${unique}`)
  return fits(temp) ? temp : join('/tmp', `microvm-${userInfo().uid}-${vmId}-${unique}`)
}
