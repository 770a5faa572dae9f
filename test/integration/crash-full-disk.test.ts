// SPDX-License-Identifier: Apache-2.0
// The disk of the image store is full: with nothing free, with 4 KiB, 8 KiB and so on, until the work
// succeeds, so that it runs out of room at each file in turn. Every failure says what was needed and what to
// do, leaves what was there as it was, and nothing of its own.
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, writeFileSync } from 'node:fs'
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  truncate,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MicrovmError } from '../../src/contract/errors'
import type { CommandContext } from '../../src/main/cli/context'
import { save } from '../../src/main/cli/stored-image-commands'
import { createImageStore, type ImageStore } from '../../src/main/image/image-store'
import { ingestLayer } from '../../src/main/image/layers/layer-ingest'
import { dataPaths } from '../../src/main/lib/data-paths'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureImageDisk } from '../../src/main/rootfs/image-disk'
import { createVmDisk } from '../../src/main/rootfs/vm-disk'
import {
  layoutFiles,
  makeImage,
  tarOfFiles,
  writeLayout,
} from '../unit/main/image/support/make-image'

const run = promisify(execFile)
const PAGE = 4096
/** Content that no compression makes smaller, so that each file of the store takes some room. */
const noise = (bytes: number): string => randomBytes(bytes).toString('latin1').replaceAll('\0', 'x')
const kept = makeImage([[{ name: 'kept', data: noise(6000) }]])
const coming = makeImage([
  [
    { name: 'large', data: noise(20_000) },
    // What is no content fills the frame, names the index.
    ...Array.from({ length: 60 }, (_, i) => ({
      name: `${i}-${randomBytes(45).toString('hex')}`,
      uid: i * 1000,
      mtime: randomBytes(4).readUInt32LE(),
    })),
  ],
])

let dir: string
let disk: string
let dataDir: string
let store: ImageStore
let layout: string
let archive: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'crash-full-disk-'))
  disk = join(dir, 'disk')
  await mkdir(disk)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
  layout = writeLayout(join(dir, 'layout'), { image: coming })
  archive = join(dir, 'archive.tar.gz')
  writeFileSync(archive, gzipSync(tarOfFiles(layoutFiles([{ image: coming }]))))
})
afterAll(async () => {
  // Lazily: a stream that failed may not have closed its file yet.
  await run('umount', ['-l', disk])
  await rm(dir, { recursive: true })
})

let turn = 0
beforeEach(async () => {
  dataDir = join(disk, `data-${turn++}`)
  const paths = dataPaths(dataDir).images
  const logger = silentLogger
  const deps = { paths, starterLayout: undefined, logger, arch: 'x64', ingest: ingestLayer }
  store = createImageStore({ ...deps, now: () => 5 })
  await store.importPath(writeLayout(join(dir, `kept-${turn}`), { image: kept }), {
    reference: 'kept',
  })
  // Whatever every work of the store needs, of no size.
  await store.prune({})
  return () => rm(dataDir, { recursive: true })
})

async function snapshot(): Promise<Record<string, string>> {
  const entries = await readdir(disk, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'ballast')
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).toSorted()
  const lines = paths
    .filter((path) => !/\/(?:lock|writers|\.lock)$/.test(path))
    .map(async (path) => {
      const digest = createHash('sha256').update(await readFile(path))
      return [relative(disk, path), digest.digest('hex')] as const
    })
  return Object.fromEntries(await Promise.all(lines))
}

/** Takes all room but this. */
async function leaveFree(bytes: number): Promise<void> {
  const ballast = await open(join(disk, 'ballast'), 'w')
  try {
    const { bavail, bsize } = await statfs(disk)
    const size = Math.max(0, bavail * bsize - bytes)
    await ballast.write(Buffer.alloc(size, 1), 0, size, 0)
  } finally {
    await ballast.close()
  }
}

/** @returns what was said, for each amount of room that was not enough */
async function untilThereIsRoom(work: () => Promise<unknown>): Promise<string[]> {
  const before = await snapshot()
  const told: string[] = []
  for (let free = 0; ; free += PAGE) {
    await leaveFree(free)
    const failure = await work().then(
      () => undefined,
      (error: unknown) => MicrovmError.from(error),
    )
    await truncate(join(disk, 'ballast'))
    expect((await store.find('kept'))?.layers).toHaveLength(1)
    if (failure === undefined) return told
    expect(failure, String(failure.stack)).toMatchObject({
      code: 'DISK_FULL',
      hint: expect.stringContaining('Free some space') as string,
      message: expect.stringMatching(/\d+ (?:K|M)iB/) as string,
    })
    told.push(failure.message)
    expect(await snapshot(), `with ${free} bytes free`).toEqual(before)
    expect(free).toBeLessThan(800_000)
  }
}

describe('a disk that is full', () => {
  it('fails an import at a layer’s data, frame and index, at its records, and at its name', async () => {
    const told = await untilThereIsRoom(async () => {
      try {
        await store.importPath(layout, { reference: 'coming' })
      } catch (error) {
        // Its whole layers stay for the next try, which is not what is looked at here.
        await store.prune({})
        throw error
      }
    })
    const all = told.join('\n')
    expect(all).toMatch(/the image needs more than/)
    expect(all).toMatch(/layer 1 of 1: .*the layer takes more than the \d+ KiB/)
    expect(all).toMatch(/config\.json takes/)
    expect(all).toMatch(/manifest\.json takes/)
    expect(all).toMatch(/coming-latest-[0-9a-f]+\.json takes/)
  })

  it('fails an archive that comes as a stream, or is unpacked first', async () => {
    const told = await untilThereIsRoom(async () => {
      try {
        await store.importStream(createReadStream(archive), { reference: 'coming' })
      } catch (error) {
        await store.prune({})
        throw error
      }
    })
    expect(told.join('\n')).toMatch(/the archive takes more than the \d+ KiB free/)
  })

  it('fails a new name', async () => {
    const told = await untilThereIsRoom(() => store.tag('kept', 'second'))
    expect(told.length).toBeGreaterThan(0)
  })

  it('fails an image that is saved to a file, and removes what there is of it', async () => {
    const target = join(disk, 'saved.tar')
    const context = {
      cancel: new AbortController().signal,
      engine: async () => ({ images: store }),
      output: { result: () => undefined },
    } as unknown as CommandContext
    const told = await untilThereIsRoom(() =>
      save(context, 'kept', { output: target, format: 'oci' }),
    )
    expect(told.join('\n')).toMatch(/the archive takes more than the \d+ KiB free/)
    await rm(target)
  })

  it('fails the disk of an image', async () => {
    const image = (await store.find('kept'))!
    const { disks: disksDir } = dataPaths(dataDir).images
    const told = await untilThereIsRoom(() =>
      ensureImageDisk({ disksDir, logger: silentLogger }, () => store.tree(image), 'disk'),
    )
    expect(told.join('\n')).toMatch(/build the image disk: .*takes \d+ KiB beside its layers/)
  })

  it('fails a machine’s own disk', async () => {
    const template = join(dir, 'template')
    writeFileSync(template, noise(40_000))
    const told = await untilThereIsRoom(() => createVmDisk(template, join(disk, 'vm.ext4'), 1))
    expect(told.join('\n')).toMatch(/vm\.ext4: .*it takes \d+ KiB to begin with/)
    expect((await stat(join(disk, 'vm.ext4'))).size).toBe(1024 * 1024)
    await rm(join(disk, 'vm.ext4'))
  })
})
