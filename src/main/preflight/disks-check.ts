// SPDX-License-Identifier: Apache-2.0
// Whether the files a machine has as disks are there and raw, and whether its backend can give it disks at all.
// Only looks: the runner opens and locks them, and checks again what it has opened.
import { access, constants, open, realpath, stat } from 'node:fs/promises'
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
    const format = await otherFormat(path, found.size)
    if (format !== undefined) return wrong(`is ${format.name}, no raw disk`, format.remedy)
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

interface Format {
  readonly name: string
  readonly remedy: string
}

/** Bytes as Latin-1 text, at an offset from the start, or (negative) from the end. */
const signatures: readonly (readonly [offset: number, bytes: string, format: string])[] = [
  [0, 'QFI\xfb', 'a qcow2 image'],
  [0, 'KDMV', 'a VMDK image'],
  [0, 'COWD', 'a VMDK image'],
  [0, '# Disk Descriptor', 'the description of a VMDK image'],
  [0, 'vhdxfile', 'a VHDX image'],
  [0, 'conectix', 'a VHD image'],
  [-512, 'conectix', 'a VHD image'],
  [64, '\x7f\x10\xda\xbe', 'a VirtualBox image'],
  [-512, 'koly', 'a disk image of macOS'],
  [0, '\x1f\x8b', 'compressed with gzip'],
  [0, 'BZh', 'compressed with bzip2'],
  [0, '\xfd7zXZ\0', 'compressed with xz'],
  [0, '\x28\xb5\x2f\xfd', 'compressed with zstd'],
]

async function otherFormat(path: string, size: number): Promise<Format | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    for (const [offset, bytes, name] of signatures) {
      const buffer = Buffer.alloc(bytes.length)
      const position = offset < 0 ? size + offset : offset
      if (position < 0) continue
      await file.read(buffer, 0, buffer.length, position)
      if (buffer.toString('latin1') !== bytes) continue
      const remedy = name.startsWith('compressed')
        ? 'Decompress it first.'
        : 'Convert it: qemu-img convert -O raw FILE NEW-FILE'
      return { name, remedy }
    }
    return undefined
  } finally {
    await file.close()
  }
}
