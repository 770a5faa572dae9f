// SPDX-License-Identifier: Apache-2.0
// How a process is told where shared libraries lie, before it starts: libkrun looks for libkrunfw by
// name alone, so the folder must be on the dynamic linker's path.
import { delimiter } from 'node:path'

/**
 * The variable for a child's environment.
 * @param libDir absolute; undefined: only where the system has its libraries
 * @param env of which a path that is set already is kept, behind ours
 */
export function libraryPath(
  libDir: string | undefined,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  if (libDir === undefined) return {}
  const name = platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  const present = env[name]
  return { [name]: present ? `${libDir}${delimiter}${present}` : libDir }
}
