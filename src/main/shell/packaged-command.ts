// SPDX-License-Identifier: Apache-2.0
// How the packaged app's command line is called in a shell, for "same as" hints.
import { join } from 'node:path'

/** Where deb and rpm put the app; they also put `microvm` into the PATH (electron-builder.yml). */
const SYSTEM_FOLDER = '/opt/MicroVM Desktop/resources'

/** @param resources the app's folder of resources, absolute */
export function packagedCommand(resources: string): string {
  if (resources === SYSTEM_FOLDER) return 'microvm'
  const path = join(resources, 'bin', 'microvm')
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
