// SPDX-License-Identifier: Apache-2.0
// The little of ELF64 (little-endian, System V ABI "gabi" chapters 4 and 5) that making the guest
// kernel needs: reading a symbol of a shared library, and wrapping a raw kernel image so
// that a VMM can start it through PVH (Linux Documentation/arch/x86/boot.rst, Xen "pvh" start info).
// Pure: buffers in, buffers out. Every offset read from a file is checked before it is used.

const HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
const SECTION_HEADER_BYTES = 64
const SYMBOL_BYTES = 24
const PT_LOAD = 1
const PT_NOTE = 4
const SHT_DYNSYM = 11
const EM_X86_64 = 62
export const EM_AARCH64 = 183
/** XEN_ELFNOTE_PHYS32_ENTRY: where a PVH loader jumps to, in 32-bit mode. */
const XEN_NOTE_ENTRY = 18
/** Page aligned, so that a loader may map the image instead of reading it. */
const IMAGE_OFFSET = 4096

/**
 * The bytes of an exported object or function.
 * @param {Buffer} library a shared library, ELF64 little-endian with section headers
 * @param {string} name
 * @returns {Buffer} a view into `library`
 * @throws {Error} if the file is no such library or has no such symbol
 */
export function readSymbol(library, name) {
  if (library.length < HEADER_BYTES || library.readUInt32BE(0) !== 0x7f454c46)
    throw new Error('not an ELF file')
  if (library[4] !== 2 || library[5] !== 1) throw new Error('not a 64-bit little-endian ELF file')
  const sections = readTable(library, readNumber(library, 40), library.readUInt16LE(60), {
    bytes: SECTION_HEADER_BYTES,
    read: (at) => ({
      type: library.readUInt32LE(at + 4),
      offset: readNumber(library, at + 24),
      size: readNumber(library, at + 32),
      link: library.readUInt32LE(at + 40),
    }),
  })
  const symbols = sections.find((section) => section.type === SHT_DYNSYM)
  const strings = symbols && sections[symbols.link]
  if (!symbols || !strings) throw new Error('the library exports no symbols')
  const wanted = Buffer.from(`${name}\0`)
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += SYMBOL_BYTES) {
    const nameAt = strings.offset + slice(library, at, SYMBOL_BYTES).readUInt32LE(0)
    if (!library.subarray(nameAt, nameAt + wanted.length).equals(wanted)) continue
    const size = readNumber(library, at + 16)
    return slice(library, fileOffset(library, readNumber(library, at + 8)), size)
  }
  throw new Error(`the library has no symbol ${name}`)
}

/**
 * e_machine of a file that {@link readSymbol} could read.
 * @param {Buffer} file
 */
export const machineOf = (file) => file.readUInt16LE(18)

/**
 * An arm64 kernel, which boots as it is, once its header says so (Linux Documentation/arch/arm64/booting.rst).
 * @param {Buffer} image
 * @returns {Buffer} the same
 * @throws {Error} if it is no Image, or not all of it
 */
export function checkArm64Image(image) {
  if (image.length < HEADER_BYTES || image.toString('latin1', 56, 60) !== 'ARMd')
    throw new Error('the kernel is no arm64 Image')
  // image_size counts memory that is not in the file (.bss), and is never less than the file.
  const size = readNumber(image, 16)
  if (size < image.length) throw new Error(`the Image has ${image.length} bytes, more than ${size}`)
  return image
}

/**
 * Where libkrunfw says that its x86-64 kernel is entered in 64-bit mode: a constant that its function stores where the
 * caller wants it ("mov qword [reg], imm32").
 * @param {Buffer} code of `krunfw_get_kernel`
 * @param {{ loadAddress: number, bytes: number }} image
 * @returns {number} guest-physical
 * @throws {Error} if not exactly one constant can be it
 */
export function findEntry(code, { loadAddress, bytes }) {
  const stored = new Set()
  for (let at = code.indexOf(0xc7); at >= 0; at = code.indexOf(0xc7, at + 1)) {
    if (at < 1 || at + 6 > code.length) continue
    const [prefix, operand] = [code.readUInt8(at - 1), code.readUInt8(at + 1)]
    if (prefix === 0x48 && operand < 8) stored.add(code.readUInt32LE(at + 2))
  }
  // The load address and the size are stored the same way.
  const [entry, ...others] = [...stored].filter(
    (value) => value > loadAddress && value < loadAddress + bytes && value !== bytes,
  )
  if (entry === undefined || others.length > 0)
    throw new Error('the kernel’s 64-bit entry point is not found')
  return entry
}

/**
 * A raw x86-64 kernel image as an ELF64 executable with one PT_LOAD and one PT_NOTE.
 * @param {Buffer} image must hold the Xen note with its PVH entry point, as Linux with CONFIG_PVH does
 * @param {number} loadAddress guest-physical, bytes
 * @param {number} entry for loaders that know no PVH (libkrun up to 1.19): where the kernel starts in 64-bit mode
 * @returns {Buffer}
 * @throws {Error} if the image has no PVH note or an entry lies outside the image
 */
export function wrapKernel(image, loadAddress, entry) {
  const note = findXenNote(image)
  if (note === undefined) throw new Error('the kernel has no PVH entry point (Xen note 18)')
  for (const address of [note.entry, entry]) {
    if (address < loadAddress || address >= loadAddress + image.length)
      throw new Error(`the kernel's entry 0x${address.toString(16)} lies outside the image`)
  }
  const head = Buffer.alloc(IMAGE_OFFSET)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  head.writeUInt16LE(2, 16) // ET_EXEC
  head.writeUInt16LE(EM_X86_64, 18)
  head.writeUInt32LE(1, 20) // EV_CURRENT
  head.writeBigUInt64LE(BigInt(entry), 24)
  head.writeBigUInt64LE(BigInt(HEADER_BYTES), 32) // program headers follow
  head.writeUInt16LE(HEADER_BYTES, 52)
  head.writeUInt16LE(PROGRAM_HEADER_BYTES, 54)
  head.writeUInt16LE(2, 56)
  const segments = [
    { type: PT_LOAD, flags: 7, offset: 0, size: image.length, align: IMAGE_OFFSET },
    { type: PT_NOTE, flags: 4, offset: note.offset, size: note.size, align: 4 },
  ]
  segments.forEach((segment, index) => {
    const at = HEADER_BYTES + index * PROGRAM_HEADER_BYTES
    const address = BigInt(loadAddress + segment.offset)
    head.writeUInt32LE(segment.type, at)
    head.writeUInt32LE(segment.flags, at + 4)
    head.writeBigUInt64LE(BigInt(IMAGE_OFFSET + segment.offset), at + 8)
    head.writeBigUInt64LE(address, at + 16) // virtual: unused before paging
    head.writeBigUInt64LE(address, at + 24) // physical
    head.writeBigUInt64LE(BigInt(segment.size), at + 32)
    head.writeBigUInt64LE(BigInt(segment.size), at + 40)
    head.writeBigUInt64LE(BigInt(segment.align), at + 48)
  })
  return Buffer.concat([head, image])
}

/**
 * @param {Buffer} image
 * @returns {{ offset: number, size: number, entry: number } | undefined}
 */
function findXenNote(image) {
  const name = Buffer.from('Xen\0')
  for (let at = image.indexOf(name); at >= 0; at = image.indexOf(name, at + 1)) {
    // A note is namesz, descsz, type (4 bytes each), name, descriptor.
    const start = at - 12
    if (start < 0 || start % 4 !== 0) continue
    const descriptorBytes = image.readUInt32LE(start + 4)
    if (image.readUInt32LE(start) !== name.length) continue
    if (image.readUInt32LE(start + 8) !== XEN_NOTE_ENTRY) continue
    if (descriptorBytes !== 4 && descriptorBytes !== 8) continue
    return {
      offset: start,
      size: 16 + descriptorBytes,
      entry: image.readUInt32LE(at + name.length),
    }
  }
  return undefined
}

/**
 * Where in the file the byte at a virtual address lies.
 * @param {Buffer} library
 * @param {number} address
 */
function fileOffset(library, address) {
  const segments = readTable(library, readNumber(library, 32), library.readUInt16LE(56), {
    bytes: PROGRAM_HEADER_BYTES,
    read: (at) => ({
      type: library.readUInt32LE(at),
      offset: readNumber(library, at + 8),
      address: readNumber(library, at + 16),
      size: readNumber(library, at + 32),
    }),
  })
  const segment = segments.find(
    ({ type, address: start, size }) =>
      type === PT_LOAD && address >= start && address < start + size,
  )
  if (!segment) throw new Error('a symbol of the library points outside the file')
  return segment.offset + address - segment.address
}

/**
 * @template T
 * @param {Buffer} file
 * @param {number} offset
 * @param {number} count
 * @param {{ bytes: number, read: (at: number) => T }} row
 */
function readTable(file, offset, count, row) {
  slice(file, offset, count * row.bytes)
  return Array.from({ length: count }, (_, index) => row.read(offset + index * row.bytes))
}

/**
 * @param {Buffer} file
 * @param {number} offset
 * @param {number} size
 */
function slice(file, offset, size) {
  if (offset < 0 || size < 0 || offset + size > file.length) throw new Error('the ELF file is cut')
  return file.subarray(offset, offset + size)
}

/**
 * @param {Buffer} file
 * @param {number} at
 */
function readNumber(file, at) {
  const value = slice(file, at, 8).readBigUInt64LE(0)
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Error('an offset in the ELF file is absurd')
  return Number(value)
}
