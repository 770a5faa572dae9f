// SPDX-License-Identifier: Apache-2.0
// Where the built scripts lie that run in a process or thread of their own, and which program runs them.
// In a package they lie beside app.asar, not in it: whoever runs a script needs a real path.
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export type EntryPoint =
  | 'cli'
  | 'runner'
  | 'layer-worker'
  | 'browse-worker'
  | 'disk-worker'
  | 'disk-image-worker'
  | 'krun-vmm'

/** Absolute path of a bundle's entry; from a source file (tests) that of the built one. */
export function entryPoint(name: EntryPoint, here: string = import.meta.url): string {
  return outsideArchive(join(builtFolder(here), `${name}.js`))
}

/** The project's folder, or the packaged app's: in its archive for code that runs from there. */
export function projectRoot(here: string = import.meta.url): string {
  return resolve(builtFolder(here), '..', '..')
}

/** The same file where electron-builder's asarUnpack puts it. */
function outsideArchive(path: string): string {
  return path.replace(/([/\\]app\.asar)(?=[/\\])/, '$1.unpacked')
}

function builtFolder(url: string): string {
  const here = dirname(fileURLToPath(url))
  // Bundled, this module is out/main/*.js or a shared chunk out/main/chunks/*.js.
  if (basename(here) === 'chunks') return dirname(here)
  return basename(here) === 'lib' ? resolve(here, '..', '..', '..', 'out', 'main') : here
}

/**
 * The program for scripts of ours: Node, or Electron, which is Node with ELECTRON_RUN_AS_NODE=1. In a macOS bundle it is
 * a helper, since the app itself would show in the Dock once per process; krun-vmm has a helper of its own, the
 * only program that may use the hypervisor (docs/MACOS.md).
 */
export function nodeProgram(
  use: 'runner' | 'krun-vmm',
  host: { execPath: string; exists: (path: string) => boolean } = {
    execPath: process.execPath,
    exists: existsSync,
  },
): string {
  const bundle = /^(.*?[/]([^/]+)\.app)[/]Contents[/]/.exec(host.execPath)
  if (bundle === null) return host.execPath
  const [, path, app] = bundle
  const name = use === 'krun-vmm' ? `${app} Helper (VMM)` : `${app} Helper`
  const helper = `${path}/Contents/Frameworks/${name}.app/Contents/MacOS/${name}`
  return host.exists(helper) ? helper : host.execPath
}

/** Node's options for krun-vmm: it compiles nothing, so that its program needs no right to (docs/MACOS.md). */
export const krunVmmFlags: readonly string[] = ['--jitless', '--no-expose-wasm']
