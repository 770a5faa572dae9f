// SPDX-License-Identifier: Apache-2.0
// Whether the files a machine has as disks are there, and whether its backend can give it disks at all. Only looks:
// the runner opens and locks them, and checks again what it has opened. Not here: whether they are raw (run/disk-files.ts).
import { access, constants, realpath, stat } from 'node:fs/promises'
import { MicrovmError } from '../../contract/errors'
import { isDiskUrl, type DiskSpec } from '../../contract/vm-spec'
import { backendTitles } from '../hypervisor/choose-backend'
import type { Finding, PreflightCheck } from './checks'

const SECTOR_BYTES = 512

export const disksCheck: PreflightCheck = {
  name: 'Extra disks',
  required: true,
  run: async ({ wanted, chosen, dataDir }) => {
    const disks = wanted?.disks ?? []
    if (disks.length === 0) return undefined
    if (chosen.found && chosen.probe.rootfs !== 'disk')
      return {
        status: 'failed',
        detail: `the ${backendTitles[chosen.backend.name]} of this computer cannot give a machine disks`,
        hint: 'Install libkrun 1.17 or newer, built with BLK=1, or run the machine with QEMU.',
      }
    for (const disk of disks) {
      const problem = isDiskUrl(disk.source) ? undefined : await judgeFile(disk, dataDir)
      if (problem !== undefined) return problem
    }
    return { status: 'ok', detail: `${disks.length} there` }
  },
}

/** @returns what is wrong with it */
async function judgeFile(
  { source, readOnly }: DiskSpec,
  dataDir: string,
): Promise<Finding | undefined> {
  const wrong = (what: string, hint: string): Finding => ({
    status: 'failed',
    detail: `the disk ${source} ${what}`,
    hint,
  })
  try {
    const path = await realpath(source)
    const found = await stat(path)
    if (!found.isFile())
      return wrong('is no file', 'Give the machine a file with a raw disk in it.')
    const data = await realpath(dataDir).catch(() => dataDir)
    if (path.startsWith(`${data}/`))
      return wrong(
        'belongs to this app',
        'A machine must not reach the disks and keys of machines. Copy the file elsewhere first.',
      )
    await access(path, constants.R_OK | (readOnly ? 0 : constants.W_OK))
    if (found.size > 0 && found.size % SECTOR_BYTES === 0) return undefined
    return wrong(
      `has ${found.size} bytes, which is no whole number of sectors`,
      `A disk is one or more sectors of ${SECTOR_BYTES} bytes: is it a disk, and all of it?`,
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return wrong('is not there', 'Make the file, or give the machine another one.')
    if (code === 'EACCES' || code === 'EROFS')
      return wrong(
        `may not be ${readOnly ? 'read' : 'read and written'} by you`,
        'Give yourself access to it, or let the machine only read it.',
      )
    throw MicrovmError.inContext(`the disk ${source}`, error)
  }
}
