// SPDX-License-Identifier: Apache-2.0
// Where the built scripts lie that run in a process or thread of their own.
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export type EntryPoint = 'cli' | 'runner' | 'layer-worker' | 'browse-worker' | 'krun-vmm'

/** Absolute path of a bundle's entry; from a source file (tests) that of the built one. */
export function entryPoint(name: EntryPoint): string {
  return join(builtFolder(), `${name}.js`)
}

/** The project's folder, or the packaged app's. */
export function projectRoot(): string {
  return resolve(builtFolder(), '..', '..')
}

function builtFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  // Bundled, this module is out/main/*.js or a shared chunk out/main/chunks/*.js.
  if (basename(here) === 'chunks') return dirname(here)
  return basename(here) === 'lib' ? resolve(here, '..', '..', '..', 'out', 'main') : here
}
