// SPDX-License-Identifier: Apache-2.0
// Files that no distribution's signature vouches for, each pinned by its SHA-256 in pins.json. Fetched once into the
// per-user cache under the name of that hash; what does not match never gets there.
import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { makeAtomically } from '../setup/atomic.mjs'
import { inProject } from '../setup/paths.mjs'
import { SetupProblem } from '../setup/problem.mjs'

/**
 * @typedef {object} Pin
 * @property {string | null} version
 * @property {string} licence SPDX expression
 * @property {string | null} url null where nobody has pinned one yet
 * @property {string | null} sha256 hex
 * @property {string[]} [libraries] the files under lib/ in it (a Homebrew bottle) that are wanted
 */

const PINS = 'scripts/parts/pins.json'
/** Without a byte for so long, a server counts as gone. */
const IDLE_MS = 30_000

/** @type {Readonly<Record<string, Pin>>} */
export const pins = JSON.parse(readFileSync(inProject(PINS), 'utf8'))

/**
 * Refuses names whose pin is missing or is no SHA-256: nobody but a person who has looked can give one.
 * @param {string} part for whom
 * @param {readonly string[]} names
 * @param {Readonly<Record<string, Pin>>} [from]
 * @throws {SetupProblem} that names all of them
 */
export function demandPins(part, names, from = pins) {
  const bad = names.filter((name) => {
    const pin = from[name]
    return !pin?.url || !/^[0-9a-f]{64}$/.test(pin.sha256 ?? '')
  })
  if (bad.length === 0) return
  throw new SetupProblem(
    part,
    `no address with a SHA-256 is pinned for ${bad.join(', ')}.`,
    `Download the release you trust, look at it, and enter "url" and "sha256" in ${PINS}; or leave this part out ` +
      `(--without ${part}) and install it on the system instead.`,
  )
}

/**
 * @param {string} name of a pin that is complete
 * @param {{ cache: string, from?: Readonly<Record<string, Pin>> }} options
 * @returns {Promise<string>} the file, verified
 * @throws {SetupProblem} if it cannot be had, or is not what is pinned
 */
export async function pinnedFile(name, { cache, from = pins }) {
  demandPins(name, [name], from)
  const { url, sha256 } = /** @type {{ url: string, sha256: string }} */ (from[name])
  const target = join(cache, 'pinned', sha256)
  if (existsSync(target)) return target
  await makeAtomically(target, async (partial) => {
    const found = await download(name, url, partial)
    if (found === sha256) return
    throw new SetupProblem(
      name,
      `${url} has the SHA-256 ${found}, not ${sha256}.`,
      `The file was replaced, or something is in the way. Do not change ${PINS} before you know which.`,
    )
  })
  return target
}

/** @param {string} name @param {string} url @param {string} to @returns {Promise<string>} its SHA-256 */
async function download(name, url, to) {
  const idle = new AbortController()
  const timer = setTimeout(() => idle.abort(new Error('no byte for 30 s')), IDLE_MS)
  try {
    const response = await fetch(url, { signal: idle.signal })
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`)
    const hash = createHash('sha256')
    const watch = new Transform({
      transform(chunk, _encoding, done) {
        timer.refresh()
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(
      Readable.fromWeb(/** @type {import('node:stream/web').ReadableStream} */ (response.body)),
      watch,
      createWriteStream(to),
    )
    return hash.digest('hex')
  } catch (error) {
    const { message, cause } = /** @type {Error} */ (error)
    const why = cause instanceof Error ? cause.message : message
    throw new SetupProblem(
      name,
      `${url}: ${why}`,
      'Check the network, then run the same command again.',
    )
  } finally {
    clearTimeout(timer)
  }
}
