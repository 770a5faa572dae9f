// SPDX-License-Identifier: Apache-2.0
// Asks krun-vmm what the libkrun of this host can do. The library's code runs in that child alone: one
// that crashes, hangs or answers nonsense is a library that cannot be used, not the end of the app.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MicrovmError } from '../../../contract/errors'
import { krunProbeSchema, type KrunProbe } from '../../../contract/krun-probe'
import { krunVmmFlags } from '../../lib/entry-points'
import { libraryPath } from '../../lib/library-path'

const run = promisify(execFile)

const ANSWER_TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024

export interface KrunProgram {
  /** Node, or Electron run as Node. */
  readonly executable: string
  /** krun-vmm. */
  readonly script: string
  /** Absent: where the system has its libraries. */
  readonly libDir: string | undefined
}

/** Never throws. */
export async function loadLibrary(
  { executable, script, libDir }: KrunProgram,
  env: NodeJS.ProcessEnv,
): Promise<KrunProbe> {
  const args = [...krunVmmFlags, script, '--probe', ...(libDir === undefined ? [] : [libDir])]
  try {
    const { stdout } = await run(executable, args, {
      timeout: ANSWER_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ANSWER_BYTES,
      cwd: '/',
      env: {
        PATH: env['PATH'],
        HOME: env['HOME'],
        ...libraryPath(libDir, env),
        // Electron's executable is Node with this, and only with this.
        ...(process.versions.electron ? { ELECTRON_RUN_AS_NODE: '1' } : {}),
      },
    })
    return krunProbeSchema.parse(JSON.parse(lastLine(stdout)))
  } catch (error) {
    const message = `libkrun cannot be tried: ${describe(error)}`
    return { loaded: false, error: new MicrovmError('HYPERVISOR_FAILED', message).toWire() }
  }
}

/** The library may have written something of its own before. */
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

function describe(error: unknown): string {
  const { killed, signal, code, stderr } = error as {
    killed?: boolean
    signal?: string | null
    code?: unknown
    stderr?: string
  }
  const words = lastLine(stderr ?? '').slice(0, 500)
  const said = words === '' ? '' : `: ${words}`
  if (killed) return `krun-vmm gave no answer in ${ANSWER_TIMEOUT_MS / 1000} s${said}`
  if (signal) return `krun-vmm was killed by ${signal}${said}`
  if (typeof code === 'number') return `krun-vmm ended with code ${code}${said}`
  if (code === 'ENOENT') return 'there is no program to try it with'
  return 'krun-vmm gave an answer that makes no sense'
}
