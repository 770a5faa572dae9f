// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { unpackDisk } from '../../../../../src/main/image/disk/unpack-disk'
import { mixture, noise, pack } from '../support/pack'
import { sha256 } from '../support/tar-bytes'

const root = mkdtempSync(join(tmpdir(), 'unpack-disk-'))
afterAll(() => rmSync(root, { recursive: true }))
let from: string
let to: string
let count = 0
beforeEach(() => {
  from = join(root, `from-${++count}`)
  to = join(root, `to-${count}`)
})

const content = mixture()
const disk = Buffer.concat([content, Buffer.alloc(512 - (content.length % 512))])
const unpack = async (
  bytes: Buffer,
  maxBytes = 10_000_000,
  signal = new AbortController().signal,
) => {
  writeFileSync(from, bytes)
  return unpackDisk(from, to, { maxBytes, signal })
}

describe('a disk image', () => {
  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)(
    'compressed with %s is unpacked, by its bytes',
    async (tool) => {
      const unpacked = await unpack(pack(tool, disk))
      expect(unpacked).toEqual({ compression: tool, digest: sha256(disk), sizeBytes: disk.length })
      expect(readFileSync(to).equals(disk)).toBe(true)
      expect(statSync(to).mode & 0o777).toBe(0o600)
    },
  )

  it('may not be compressed at all', async () => {
    expect(await unpack(disk)).toMatchObject({ compression: 'none', digest: sha256(disk) })
    expect(readFileSync(to).equals(disk)).toBe(true)
  })

  it('is filled up with zeros to whole sectors', async () => {
    const odd = noise(1000)
    const whole = Buffer.concat([odd, Buffer.alloc(24)])
    expect(await unpack(pack('gzip', odd))).toMatchObject({
      digest: sha256(whole),
      sizeBytes: 1024,
    })
    expect(readFileSync(to).equals(whole)).toBe(true)
  })

  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)(
    'of zeros, compressed with %s, has them as holes',
    async (tool) => {
      const sparse = Buffer.concat([noise(4096), Buffer.alloc(16_000_001), noise(4096)])
      await unpack(pack(tool, sparse), 100_000_000)
      expect(statSync(to).size).toBe(sparse.length + 512 - (sparse.length % 512))
      expect(statSync(to).blocks * 512).toBeLessThan(1_000_000)
    },
  )

  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)(
    'that is a bomb of %s is given up at the limit',
    async (tool) => {
      const bomb = pack(tool, Buffer.alloc(16_000_000))
      expect(bomb.length).toBeLessThan(100_000)
      await expect(unpack(bomb, 1_000_000)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
      expect(statSync(to).size).toBeLessThanOrEqual(1_000_000)
    },
  )

  it('may have as much as the limit, and no byte more', async () => {
    await unpack(pack('xz', disk), disk.length)
    rmSync(to)
    await expect(unpack(pack('xz', disk), disk.length - 1)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    })
  })

  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)(
    'of which %s has packed nothing is refused',
    async (tool) => {
      await expect(unpack(pack(tool, Buffer.alloc(0)))).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
        message: expect.stringContaining('nothing in it') as string,
      })
    },
  )

  it('that is empty is refused', async () => {
    await expect(unpack(Buffer.alloc(0))).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)(
    'whose %s is cut off, or followed by garbage, is refused',
    async (tool) => {
      const good = pack(tool, disk)
      await expect(unpack(good.subarray(0, -5))).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
      rmSync(to)
      const more = Buffer.concat([good, Buffer.from('garbage!')])
      await expect(unpack(more)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
    },
  )

  it('is given up when it is cancelled', async () => {
    const cancelling = new AbortController()
    const unpacking = unpack(pack('xz', Buffer.alloc(16_000_000)), 100_000_000, cancelling.signal)
    cancelling.abort()
    await expect(unpacking).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }) as Error,
    )
  })

  it('does not replace a file that is there', async () => {
    writeFileSync(to, 'mine')
    await expect(unpack(disk)).rejects.toThrow('EEXIST')
    expect(readFileSync(to, 'utf8')).toBe('mine')
    expect(existsSync(from)).toBe(true)
  })
})

describe('what is no raw disk', () => {
  const tar = Buffer.alloc(10_240)
  tar.write('ustar', 257)
  const vdi = Buffer.alloc(1024)
  vdi.writeUInt32LE(0xbeda107f, 64)
  const fixedVhd = Buffer.concat([noise(4096), Buffer.from('conectix'.padEnd(512, '\0'))])

  it.each<[string, Buffer, string]>([
    [
      'qcow2',
      Buffer.from('QFI\xfb\0\0\0\x03'.padEnd(1024, '\0'), 'latin1'),
      'qemu-img convert -f qcow2',
    ],
    ['VMDK', Buffer.from('KDMV'.padEnd(1024, '\0')), 'qemu-img convert -f vmdk'],
    ['VMDK', Buffer.from('# Disk DescriptorFile\nversion=1'), 'qemu-img convert -f vmdk'],
    ['VHD', Buffer.from('conectix'.padEnd(1024, '\0')), 'qemu-img convert -f vpc'],
    ['VHD', fixedVhd, 'qemu-img convert -f vpc'],
    ['VHDX', Buffer.from('vhdxfile'.padEnd(1024, '\0')), 'qemu-img convert -f vhdx'],
    ['VDI', vdi, 'qemu-img convert -f vdi'],
    ['tar', tar, 'Unpack it'],
    ['zip', Buffer.from('PK\x03\x04'.padEnd(1024, '\0')), 'Unpack it'],
    ['web page', Buffer.from('<!DOCTYPE html>\n<html><body>Sign in'), 'browser'],
    ['compressed twice', pack('gzip', pack('xz', disk)), 'Unpack it'],
  ])('is refused by name: %s', async (name, bytes, hint) => {
    const refusal = {
      code: 'IMAGE_INVALID',
      message: expect.stringContaining(name) as string,
      hint: expect.stringContaining(hint) as string,
    }
    await expect(unpack(bytes)).rejects.toMatchObject(refusal)
    rmSync(to)
    await expect(unpack(pack('xz', bytes))).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })
})
