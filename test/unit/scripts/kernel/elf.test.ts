// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  checkArm64Image,
  EM_AARCH64,
  findEntry,
  machineOf,
  readSymbol,
  wrapKernel,
} from '../../../../scripts/kernel/elf.mjs'

const LOAD = 0x1000000

/** A raw image with a Xen note of the given type at `offset`. */
function kernelImage(options: { type?: number; entry?: number; offset?: number } = {}): Buffer {
  const { type = 18, entry = LOAD + 0x40, offset = 0x200 } = options
  const image = Buffer.alloc(0x1000, 0xcc)
  image.writeUInt32LE(4, offset)
  image.writeUInt32LE(8, offset + 4)
  image.writeUInt32LE(type, offset + 8)
  image.write('Xen\0', offset + 12, 'latin1')
  image.writeBigUInt64LE(BigInt(entry), offset + 16)
  return image
}

/** A shared library with one PT_LOAD (file 0x400 → address 0x10400) and one exported object. */
function library(symbol: string, content: string): Buffer {
  const file = Buffer.alloc(0x800)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  file.writeBigUInt64LE(64n, 32)
  file.writeBigUInt64LE(0x200n, 40)
  file.writeUInt16LE(1, 56)
  file.writeUInt16LE(3, 60)
  file.writeUInt32LE(1, 64)
  file.writeBigUInt64LE(0x400n, 64 + 8)
  file.writeBigUInt64LE(0x10400n, 64 + 16)
  file.writeBigUInt64LE(0x400n, 64 + 32)
  const section = (index: number, type: number, offset: number, size: number, link: number) => {
    const at = 0x200 + index * 64
    file.writeUInt32LE(type, at + 4)
    file.writeBigUInt64LE(BigInt(offset), at + 24)
    file.writeBigUInt64LE(BigInt(size), at + 32)
    file.writeUInt32LE(link, at + 40)
  }
  section(1, 11, 0x300, 48, 2)
  section(2, 3, 0x380, 0x40, 0)
  file.write(symbol, 0x381, 'latin1')
  file.writeUInt32LE(1, 0x300 + 24)
  file.writeBigUInt64LE(0x10420n, 0x300 + 24 + 8)
  file.writeBigUInt64LE(BigInt(content.length), 0x300 + 24 + 16)
  file.write(content, 0x420, 'latin1')
  return file
}

describe('reading a symbol of a shared library', () => {
  it('returns the bytes of the named object', () => {
    expect(readSymbol(library('KERNEL_BUNDLE', 'hello'), 'KERNEL_BUNDLE').toString()).toBe('hello')
  })
  it('says which symbol is missing', () => {
    expect(() => readSymbol(library('OTHER', 'x'), 'KERNEL_BUNDLE')).toThrow(/KERNEL_BUNDLE/)
  })
  it('does not take a symbol whose name only begins alike', () => {
    expect(() => readSymbol(library('KERNEL_BUNDLE_2', 'x'), 'KERNEL_BUNDLE')).toThrow(/no symbol/)
  })
  it('refuses what is no ELF file', () => {
    expect(() => readSymbol(Buffer.from('#!/bin/sh\n'.repeat(20)), 'X')).toThrow(/not an ELF/)
  })
  it.each([0x210, 0x310, 0x3ff])('refuses a file cut at %i bytes', (length) => {
    expect(() => readSymbol(library('K', 'x').subarray(0, length), 'K')).toThrow()
  })
  it('refuses a symbol that reaches beyond the file', () => {
    const file = library('K', 'x')
    file.writeBigUInt64LE(0x10000n, 0x300 + 24 + 16)
    expect(() => readSymbol(file, 'K')).toThrow(/cut/)
  })
})

describe('wrapping a kernel', () => {
  it('makes one loadable segment at the load address and a note segment on the Xen note', () => {
    const image = kernelImage()
    const elf = wrapKernel(image, LOAD, LOAD + 0x123)
    const header = (index: number) => {
      const at = 64 + index * 56
      const offset = Number(elf.readBigUInt64LE(at + 8))
      const size = Number(elf.readBigUInt64LE(at + 32))
      return {
        type: elf.readUInt32LE(at),
        physical: Number(elf.readBigUInt64LE(at + 24)),
        content: elf.subarray(offset, offset + size),
      }
    }
    expect(elf.readUInt16LE(56)).toBe(2)
    expect(header(0)).toEqual({ type: 1, physical: LOAD, content: image })
    expect(header(1)).toEqual({
      type: 4,
      physical: LOAD + 0x200,
      content: image.subarray(0x200, 0x218),
    })
    expect(Number(elf.readBigUInt64LE(24))).toBe(LOAD + 0x123)
  })
  it('passes over other Xen notes', () => {
    const image = kernelImage()
    kernelImage({ type: 19, offset: 0x100 }).copy(image, 0x100, 0x100, 0x118)
    const elf = wrapKernel(image, LOAD, LOAD + 0x123)
    expect(Number(elf.readBigUInt64LE(64 + 56 + 24))).toBe(LOAD + 0x200)
  })
  it('refuses a kernel without a PVH entry', () => {
    expect(() => wrapKernel(kernelImage({ type: 19 }), LOAD, LOAD)).toThrow(/no PVH entry/)
  })
  it('refuses an entry point outside the image', () => {
    expect(() => wrapKernel(kernelImage({ entry: LOAD + 0x1000 }), LOAD, LOAD)).toThrow(/outside/)
    expect(() => wrapKernel(kernelImage(), LOAD, LOAD + 0x1000)).toThrow(/outside/)
  })
})

describe('the 64-bit entry point of a kernel', () => {
  const image = { loadAddress: LOAD, bytes: 0x1450000 }
  /** "mov qword [rax], constant" for each. */
  const code = (...constants: number[]): Buffer =>
    Buffer.concat(
      constants.map((constant) => {
        const bytes = Buffer.from([0x48, 0xc7, 0x00, 0, 0, 0, 0])
        bytes.writeUInt32LE(constant, 3)
        return bytes
      }),
    )

  it('is the constant in the image that is neither its address nor its size', () => {
    expect(findEntry(code(LOAD, LOAD + 0x123, image.bytes), image)).toBe(LOAD + 0x123)
    expect(findEntry(code(image.bytes, LOAD + 0x123, LOAD), image)).toBe(LOAD + 0x123)
  })
  it('is not guessed', () => {
    expect(() => findEntry(code(LOAD, image.bytes), image)).toThrow(/not found/)
    expect(() => findEntry(code(LOAD + 1, LOAD + 2), image)).toThrow(/not found/)
    expect(() => findEntry(Buffer.from([0xc7]), image)).toThrow(/not found/)
  })
})

describe('a kernel for arm64', () => {
  const arm64Image = (imageSize: number): Buffer => {
    const image = Buffer.alloc(4096)
    image.writeBigUInt64LE(BigInt(imageSize), 16)
    image.write('ARMd', 56, 'latin1')
    return image
  }

  it('is known by the library that carries it', () => {
    const file = library('K', 'x')
    file.writeUInt16LE(183, 18)
    expect(machineOf(file)).toBe(EM_AARCH64)
  })

  it('is taken as it is, also when it needs more memory than it has bytes', () => {
    const image = arm64Image(8192)
    expect(checkArm64Image(image)).toBe(image)
  })

  it('is refused if it is no Image', () => {
    expect(() => checkArm64Image(kernelImage())).toThrow(/no arm64 Image/)
    expect(() => checkArm64Image(Buffer.alloc(10))).toThrow(/no arm64 Image/)
  })

  it('is refused if its header tells of less than there is', () => {
    expect(() => checkArm64Image(arm64Image(4095))).toThrow(/4096 bytes, more than 4095/)
  })
})
