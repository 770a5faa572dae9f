// SPDX-License-Identifier: Apache-2.0
// The files behind a machine's extra disks: opened once, checked, and locked against every other machine for as
// long as this process or a VMM that has inherited them lives. What was checked is what the guest gets, whatever is
// put at the path later.
// Always: a file that one machine may write is no other machine's, not even to read.
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { MicrovmError } from '../../src/contract/errors'
import type { RunnerDisk } from '../../src/contract/runner-config'

export interface OpenDisk extends RunnerDisk {
  readonly descriptor: number
}

/** Of the byte that is locked: QEMU has locks of its own on bytes from 100 on (its block/file-posix.c). */
const LOCK = { offset: 0, length: 1 } as const

/** @throws CONFLICT for a file in use, or another than it was; PERMISSION_DENIED, NOT_FOUND; nothing is open then */
export async function openDisks(disks: readonly RunnerDisk[]): Promise<OpenDisk[]> {
  if (disks.length === 0) return []
  const { tryLock } = await import('fs-native-extensions')
  const open: OpenDisk[] = []
  try {
    for (const disk of disks) {
      const descriptor = openDisk(disk)
      open.push({ ...disk, descriptor })
      if (!tryLock(descriptor, LOCK.offset, LOCK.length, { shared: disk.readOnly }))
        throw inUse(disk)
    }
    return open
  } catch (error) {
    for (const { descriptor } of open) closeSync(descriptor)
    throw error
  }
}

function openDisk({ path, readOnly, sizeBytes }: RunnerDisk): number {
  // Not to wait for the other end, should it have become a pipe.
  const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NONBLOCK
  let descriptor: number
  try {
    descriptor = openSync(path, flags)
  } catch (error) {
    throw MicrovmError.inContext(`open the disk ${path}`, error)
  }
  const found = fstatSync(descriptor)
  if (found.isFile() && found.size === sizeBytes) return descriptor
  closeSync(descriptor)
  throw new MicrovmError('CONFLICT', `the disk ${path} has just become another file`, {
    hint: 'Start the machine again once nothing else changes the file.',
  })
}

const inUse = ({ path, readOnly }: RunnerDisk): MicrovmError =>
  new MicrovmError('CONFLICT', `the disk ${path} is in use by another machine`, {
    hint: readOnly
      ? 'That machine may write it. Stop it, or give each machine a copy of the file.'
      : 'A file can be written by one machine at a time. Stop the other one, or make a copy of the file.',
  })
