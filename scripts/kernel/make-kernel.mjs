// SPDX-License-Identifier: Apache-2.0
// Makes the guest kernel: node make-kernel.mjs --library PATH/libkrunfw.so.5 --out FILE
// libkrunfw carries its kernel as one exported object, the raw image as it lies in guest memory: on x86-64 it is wrapped
// as an ELF file that boots by PVH, on arm64 it is a bootable Image as it is.
// Neither loads nor runs the library; the output is written beside FILE and renamed.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  checkArm64Image,
  EM_AARCH64,
  findEntry,
  machineOf,
  readSymbol,
  wrapKernel,
} from './elf.mjs'

/** The x86-64 default of CONFIG_PHYSICAL_START, and what `krunfw_get_kernel` reports. */
const LOAD_ADDRESS = 0x1000000
/** The object is a C string literal: its size counts one closing NUL that is no part of the image. */
const CLOSING_NUL = 1

const { values } = parseArgs({ options: { library: { type: 'string' }, out: { type: 'string' } } })
if (!values.library || !values.out) {
  console.error('usage: make-kernel.mjs --library PATH/libkrunfw.so.5 --out FILE')
  process.exit(64)
}
/** @param {Buffer} library @param {Buffer} image */
function wrapX64(library, image) {
  const place = { loadAddress: LOAD_ADDRESS, bytes: image.length }
  return wrapKernel(image, LOAD_ADDRESS, findEntry(readSymbol(library, 'krunfw_get_kernel'), place))
}

const temporary = `${values.out}.${process.pid}.tmp`
try {
  const library = await readFile(values.library)
  const bundle = readSymbol(library, 'KERNEL_BUNDLE')
  const image = bundle.subarray(0, bundle.length - CLOSING_NUL)
  const isArm64 = machineOf(library) === EM_AARCH64
  const kernel = isArm64 ? checkArm64Image(image) : wrapX64(library, image)
  await writeFile(temporary, kernel)
  await rename(temporary, values.out)
} catch (error) {
  await rm(temporary, { force: true })
  console.error(`guest kernel from ${values.library}: ${/** @type {Error} */ (error).message}`)
  process.exit(1)
}
