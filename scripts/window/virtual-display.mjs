// SPDX-License-Identifier: Apache-2.0
// A display nobody looks at, for machines that have none: Xvfb on a free number, open only to those who have the key
// (other users of the machine do not).
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * @typedef {object} VirtualDisplay
 * @property {{ DISPLAY: string, XAUTHORITY: string }} env for programs that are to open windows on it
 * @property {() => Promise<void>} close
 */

/** @param {{ size: string }} options size: "1440x900" @returns {Promise<VirtualDisplay>} */
export async function openVirtualDisplay({ size }) {
  const dir = await mkdtemp(join(tmpdir(), 'microvm-display-'))
  const keyFile = join(dir, 'key')
  await writeFile(keyFile, authorityRecord(randomBytes(16)), { mode: 0o600 })
  // -displayfd: Xvfb looks for a free number itself and writes it to that descriptor once it is ready.
  const server = spawn(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', `${size}x24`, '-auth', keyFile, '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true },
  )
  let errors = ''
  server.stderr?.setEncoding('utf8').on('data', (text) => (errors += text))
  const gone = new Promise((done) => {
    server.once('close', done)
    server.once('error', done)
  })
  // For a process that ends early, by process.exit().
  const end = () => {
    server.kill()
    rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', end)
  const close = async () => {
    process.off('exit', end)
    end()
    await gone
  }
  const ready = once(/** @type {import('node:stream').Readable} */ (server.stdio[3]), 'data')
  const number = await Promise.race([ready, gone.then(() => undefined)])
  if (Array.isArray(number)) {
    return { env: { DISPLAY: `:${String(number[0]).trim()}`, XAUTHORITY: keyFile }, close }
  }
  await close()
  throw new Error(`Xvfb did not start. ${errors.trim()}`)
}

/**
 * One record of an Xauthority file (Xau.h): family, then address, display number, method's name and key, each with its
 * length, all big-endian 16 bit. FamilyWild and empty fields: the key fits any display.
 * @param {Buffer} key
 */
function authorityRecord(key) {
  const FAMILY_WILD = 0xffff
  /** @param {number} value */
  const short = (value) => Buffer.from([value >> 8, value & 0xff])
  /** @param {Buffer} bytes */
  const field = (bytes) => Buffer.concat([short(bytes.length), bytes])
  const fields = [Buffer.alloc(0), Buffer.alloc(0), Buffer.from('MIT-MAGIC-COOKIE-1'), key]
  return Buffer.concat([short(FAMILY_WILD), ...fields.map(field)])
}
