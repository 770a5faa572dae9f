// SPDX-License-Identifier: Apache-2.0
// Where the native parts lie that set-up or the package brought.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { projectRoot } from './entry-points'

/** MICROVM_RUNTIME_DIR, else `runtime/<os>-<arch>` of the packaged app's resources or of the project. */
export function runtimeDir(env: NodeJS.ProcessEnv): string {
  if (env['MICROVM_RUNTIME_DIR']) return resolve(env['MICROVM_RUNTIME_DIR'])
  const name = join('runtime', `${process.platform}-${process.arch}`)
  const resources = (process as { resourcesPath?: string }).resourcesPath
  const packaged = resources === undefined ? undefined : join(resources, name)
  return packaged !== undefined && existsSync(packaged) ? packaged : join(projectRoot(), name)
}
