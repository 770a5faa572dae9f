// SPDX-License-Identifier: Apache-2.0
// The files of this installation that a machine's processes run from.
import { dirname } from 'node:path'
import { entryPoint, nodeProgram } from './entry-points'
import { runtimeDir } from './runtime-dir'

export interface Installation {
  /** What runs the runner, and what runs krun-vmm: see `nodeProgram`. */
  readonly runnerProgram: string
  readonly vmmProgram: string
  /** Folder of the built scripts. */
  readonly scripts: string
  /** The native parts. */
  readonly runtimeDir: string
}

/** What this very process runs from. */
export function thisInstallation(env: NodeJS.ProcessEnv): Installation {
  return {
    runnerProgram: nodeProgram('runner'),
    vmmProgram: nodeProgram('krun-vmm'),
    scripts: dirname(entryPoint('runner')),
    runtimeDir: runtimeDir(env),
  }
}
