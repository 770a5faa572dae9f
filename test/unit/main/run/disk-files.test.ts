// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { prepareDiskFiles, requireRawFiles } from '../../../../src/main/run/disk-files'

const URL = 'https://example.org/a.img'

let dir: string
let cached: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-disk-files-'))
  cached = join(dir, 'cached')
  await writeFile(cached, 'x'.repeat(1024), { mode: 0o400 })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const store = () => ({
  ensure: vi.fn(async (source: string, _options: { sha256?: string | undefined }) => ({
    source,
    path: cached,
    digest: '',
    sizeBytes: 1024,
  })),
})
const prepare = (
  images: ReturnType<typeof store>,
  disk: { source: string; readOnly: boolean; sha256?: string },
  options: Parameters<typeof prepareDiskFiles>[2] = {},
) => prepareDiskFiles({ images, copiesDir: join(dir, 'disks') }, [disk], options)

describe('the file behind an extra disk', () => {
  it('is the user’s own, where it lies', async () => {
    const images = store()
    for (const readOnly of [true, false])
      expect(await prepare(images, { source: cached, readOnly })).toEqual([
        { path: cached, sizeBytes: 1024 },
      ])
    expect(images.ensure).not.toHaveBeenCalled()
  })

  it('is the stored download, if it is only read', async () => {
    const images = store()
    const sha256 = 'ab'.repeat(32)
    expect(await prepare(images, { source: URL, readOnly: true, sha256 })).toEqual([
      { path: cached, sizeBytes: 1024 },
    ])
    expect(images.ensure).toHaveBeenCalledWith(URL, expect.objectContaining({ sha256 }))
  })

  it('is a copy of the download, made once, if it is written', async () => {
    const images = store()
    const copy = join(dir, 'disks/0.img')
    const disk = { source: URL, readOnly: false }
    expect(await prepare(images, disk)).toEqual([{ path: copy, sizeBytes: 1024 }])
    expect((await stat(copy)).mode & 0o777).toBe(0o600)
    await writeFile(copy, 'y'.repeat(1024))
    expect(await prepare(images, disk)).toEqual([{ path: copy, sizeBytes: 1024 }])
    expect(images.ensure).toHaveBeenCalledOnce()
    expect(await readFile(cached, 'utf8')).toBe('x'.repeat(1024))
    expect(await readFile(copy, 'utf8')).toBe('y'.repeat(1024))
  })

  it('leaves nothing when it cannot be had', async () => {
    const images = store()
    images.ensure.mockRejectedValue(new MicrovmError('IMAGE_NOT_FOUND', 'there is none'))
    await expect(prepare(images, { source: URL, readOnly: false })).rejects.toThrow('there is none')
    await expect(stat(join(dir, 'disks'))).rejects.toThrow('ENOENT')
  })

  it('leaves no half copy when it is cancelled', async () => {
    const signal = AbortSignal.abort()
    await expect(prepare(store(), { source: URL, readOnly: false }, { signal })).rejects.toThrow()
    await expect(stat(join(dir, 'disks/0.img'))).rejects.toThrow('ENOENT')
  })
})

describe('a file of the host', () => {
  /** Two sectors with bytes at an offset, from the end if it is negative. */
  const disk = async (offset: number, bytes: string): Promise<string> => {
    const sectors = Buffer.alloc(1024)
    sectors.write(bytes, (1024 + offset) % 1024, 'latin1')
    const path = join(dir, 'disk')
    await writeFile(path, sectors)
    return path
  }
  const check = (source: string) => requireRawFiles([{ source, readOnly: true }])

  it('may have anything on it that is no other format', async () => {
    await check(await disk(510, '\x55\xaa'))
    await check(URL)
  })

  it.each([
    ['qcow2', 0, 'QFI\xfb'],
    ['VMDK', 0, '# Disk DescriptorFile'],
    ['VHD', -512, 'conectix'],
    ['VDI', 64, '\x7f\x10\xda\xbe'],
    ['gzip', 0, '\x1f\x8b\x08'],
    ['xz', 0, '\xfd7zXZ\0'],
    ['zstd', 0, '\x28\xb5\x2f\xfd'],
  ])('is refused if it is %s, known by what stands at %d', async (name, offset, bytes) => {
    const path = await disk(offset, bytes)
    await expect(check(path)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(
        new RegExp(`^the disk ${path}: it is .*${name}.*, not a raw disk$`),
      ) as string,
      hint: expect.stringMatching(/qemu-img|Decompress/) as string,
    })
  })
})
