// SPDX-License-Identifier: Apache-2.0
// Makes the disk that every machine's own disk is a copy of: node make-vm-disk-template.mjs --out FILE
// An empty ext4 of 64 MiB in a sparse file, grown online by the guest to whatever size the machine
// has: up to 64 GiB with the reserved descriptor blocks, beyond by meta_bg, which the kernel turns on
// by itself. Nothing of this host or of the clock goes in: the same mke2fs makes the same bytes.
import { execFile } from 'node:child_process'
import { open, rename, rm, stat } from 'node:fs/promises'
import { delimiter } from 'node:path'
import { parseArgs, promisify } from 'node:util'

const SIZE = 64 * 1024 * 1024
/** Copies share it: no host ever sees two of them, and no guest does. */
const UUID = '6d766d64-0000-4000-8000-000000000001'
/** Written as every time stamp (mke2fs's own variables for reproducible images). */
const TIME = '1'

/** All of it named, so that the host's mke2fs.conf has no say. */
const features = [
  'has_journal',
  'ext_attr',
  'resize_inode',
  'dir_index',
  'filetype',
  'extent',
  '64bit',
  'flex_bg',
  'sparse_super',
  'large_file',
  'huge_file',
  'dir_nlink',
  'extra_isize',
  'metadata_csum',
]

const options = [
  ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '256', '-O', `none,${features.join(',')}`],
  // Inodes in each block group of 128 MiB, the one begun here and those to come: one per 16 KiB.
  ...['-N', '8192'],
  // More than mke2fs gives to 64 MiB, because it cannot grow; it takes no space until it is used.
  ...['-J', 'size=16'],
  // All of the disk is the machine's, whose processes mostly run as root anyway.
  ...['-m', '0'],
  // The file is all zeros already; zeros written would only take space.
  ...['-E', `lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0,nodiscard,hash_seed=${UUID}`],
  ...['-U', UUID, '-L', 'microvm', '-e', 'remount-ro'],
]

const { values } = parseArgs({ options: { out: { type: 'string' } } })
if (!values.out) {
  console.error('usage: make-vm-disk-template.mjs --out FILE')
  process.exit(64)
}
const temporary = `${values.out}.${process.pid}.tmp`
try {
  await makeTemplate(temporary)
  await rename(temporary, values.out)
} catch (error) {
  await rm(temporary, { force: true })
  console.error(`machine disk template: ${explain(error)}`)
  process.exit(1)
}

/** @param {string} path */
async function makeTemplate(path) {
  const file = await open(path, 'w', 0o644)
  try {
    await file.truncate(SIZE)
    await promisify(execFile)('mke2fs', [...options, path], {
      env: {
        // Not on the path of ordinary users everywhere.
        PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].filter(Boolean).join(delimiter),
        LC_ALL: 'C',
        MKE2FS_CONFIG: '/dev/null',
        E2FSPROGS_FAKE_TIME: TIME,
        SOURCE_DATE_EPOCH: TIME,
      },
    })
    await file.sync()
  } finally {
    await file.close()
  }
  const { size } = await stat(path)
  if (size !== SIZE) throw new Error(`mke2fs left a file of ${size} bytes`)
}

/** @param {unknown} error */
function explain(error) {
  const { code, syscall, message } = /** @type {NodeJS.ErrnoException} */ (error)
  const isMissing = code === 'ENOENT' && syscall?.startsWith('spawn')
  return isMissing ? 'mke2fs is missing; install e2fsprogs' : message
}
