// SPDX-License-Identifier: Apache-2.0
// Whether the folders a machine shares with the host are there, and whether its backend can share them.
import { access, constants, realpath, stat } from 'node:fs/promises'
import { MicrovmError } from '../../contract/errors'
import type { Mount } from '../../contract/vm-spec'
import { examineVirtiofsd, requireOwners } from '../lib/virtiofsd'
import type { Finding, PreflightCheck, PreflightContext } from './checks'

export const foldersCheck: PreflightCheck = {
  name: 'Shared folders',
  required: true,
  run: async (context) => {
    const { wanted, chosen } = context
    const mounts = wanted?.mounts ?? []
    // For the Doctor: what QEMU needs for it, which is nothing libkrun would miss.
    if (wanted === undefined) return chosen.found ? await describeServer(context) : undefined
    if (mounts.length === 0) return undefined
    for (const mount of mounts) {
      const problem = await judgeFolder(mount, context.dataDir)
      if (problem !== undefined) return problem
    }
    if (!chosen.found || chosen.backend.name !== 'qemu')
      return { status: 'ok', detail: `${mounts.length} there` }
    const server = await describeServer(context)
    if (server?.status !== 'ok' || !context.parts.virtiofsd.found)
      return server === undefined ? undefined : { ...server, status: 'failed' }
    requireOwners(await examineVirtiofsd(context.parts.virtiofsd.path), mounts)
    return { status: 'ok', detail: `${mounts.length} there` }
  },
}

async function describeServer({
  parts: { virtiofsd },
  chosen,
}: PreflightContext): Promise<Finding | undefined> {
  if (!chosen.found || chosen.backend.name !== 'qemu') return undefined
  if (process.platform !== 'linux')
    return {
      status: 'warning',
      detail: 'QEMU shares folders on Linux only',
      hint: 'Machines that run on libkrun can share folders.',
    }
  return virtiofsd.found
    ? { status: 'ok', detail: `virtiofsd at ${virtiofsd.path}` }
    : {
        status: 'warning',
        detail: 'folders cannot be shared: virtiofsd is missing',
        hint: virtiofsd.hint,
      }
}

/** @returns what is wrong with it */
async function judgeFolder(
  { hostPath, readOnly }: Mount,
  dataDir: string,
): Promise<Finding | undefined> {
  const wrong = (what: string, hint: string): Finding => ({
    status: 'failed',
    detail: `the folder to share ${hostPath} ${what}`,
    hint,
  })
  try {
    const path = await realpath(hostPath)
    if (!(await stat(path)).isDirectory())
      return wrong('is no folder', 'Share the folder it lies in.')
    const data = await realpath(dataDir).catch(() => dataDir)
    if (path === data || path.startsWith(`${data}/`))
      return wrong(
        'belongs to this app',
        'A machine must not reach the disks and keys of machines. Share another folder.',
      )
    await access(path, constants.R_OK | constants.X_OK | (readOnly ? 0 : constants.W_OK))
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return wrong('is not there', 'Make the folder, or give the machine another one.')
    if (code === 'EACCES')
      return wrong(
        `may not be ${readOnly ? 'read' : 'read and written'} by you`,
        'Give yourself access to it, or share it for reading only.',
      )
    throw MicrovmError.inContext(`the folder to share ${hostPath}`, error)
  }
}
