// SPDX-License-Identifier: Apache-2.0
// Signs a macOS bundle with codesign, from the inside out: libraries and bare programs, frameworks, helpers, the helper
// that enters libkrun, the app. A signature covers what lies within, so each comes after all it holds.
// Does not look for certificates: the identity is named, and its key is in the keychain.
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { command } from '../setup/command.mjs'

/** @typedef {'library' | 'framework' | 'helper' | 'vmm' | 'app'} Role */
/** @typedef {{ path: string, role: Role }} Item */

/** @type {readonly Role[]} */
const order = ['library', 'framework', 'helper', 'vmm', 'app']

/**
 * @param {string} app path of the .app
 * @param {object} options
 * @param {string | undefined} options.identity "Developer ID Application: …"; without one it is signed ad hoc: it runs on
 *   the Mac that built it, without the hardened runtime (whose library validation wants a team)
 * @param {{ app: string, vmm: string }} options.entitlements property lists
 * @param {(line: string) => void} options.say
 * @returns {Promise<'identity' | 'ad hoc'>}
 */
export async function signApp(app, { identity, entitlements, say }) {
  const items = await signingOrder(app)
  for (const { path, role } of items) {
    const list = entitlementsFor(role, entitlements)
    await command('codesign', [
      ...['--force', '--sign', identity ?? '-'],
      ...(identity === undefined ? ['--timestamp=none'] : ['--timestamp', '--options', 'runtime']),
      ...(list === undefined ? [] : ['--entitlements', list]),
      path,
    ])
  }
  await command('codesign', ['--verify', '--deep', '--strict', app])
  say(`signed ${items.length} parts ${identity === undefined ? 'ad hoc' : `as ${identity}`}`)
  return identity === undefined ? 'ad hoc' : 'identity'
}

/** @param {Role} role @param {{ app: string, vmm: string }} entitlements */
function entitlementsFor(role, entitlements) {
  if (role === 'vmm') return entitlements.vmm
  return role === 'helper' || role === 'app' ? entitlements.app : undefined
}

/**
 * Everything in the bundle that carries a signature of its own, each after what it holds.
 * @param {string} app
 * @returns {Promise<Item[]>}
 */
export async function signingOrder(app) {
  /** @type {Item[]} */
  const items = [{ path: app, role: 'app' }]
  await collect(app, items)
  const depth = (/** @type {string} */ path) => path.split(sep).length
  return items.sort(
    (a, b) =>
      order.indexOf(a.role) - order.indexOf(b.role) ||
      depth(b.path) - depth(a.path) ||
      (a.path < b.path ? -1 : 1),
  )
}

/** @param {string} dir @param {Item[]} items gets what is found below dir */
async function collect(dir, items) {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    // Links are left out: what they lead to is found at its own place.
    if (entry.isDirectory()) {
      const role = roleOfBundle(entry.name)
      if (role !== undefined) items.push({ path, role })
      await collect(path, items)
    } else if (entry.isFile() && !isMainOfBundle(path) && (await isMachO(path))) {
      items.push({ path, role: 'library' })
    }
  }
}

/** @param {string} name of a folder @returns {Role | undefined} */
function roleOfBundle(name) {
  if (name.endsWith('.framework')) return 'framework'
  if (name.endsWith(' (VMM).app')) return 'vmm'
  return name.endsWith('.app') ? 'helper' : undefined
}

/** Signed with its bundle: X.app/Contents/MacOS/X and X.framework/Versions/A/X. @param {string} path */
function isMainOfBundle(path) {
  const name = basename(path)
  const above = dirname(path)
  return (
    above.endsWith(join(`${name}.app`, 'Contents', 'MacOS')) ||
    dirname(above).endsWith(join(`${name}.framework`, 'Versions'))
  )
}

/** First four bytes of Mach-O files: 64 bit, and several architectures in one (mach-o/loader.h, mach-o/fat.h). */
const magics = new Set([0xcffaedfe, 0xcafebabe])

/** @param {string} path */
async function isMachO(path) {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && magics.has(buffer.readUInt32BE())
  } finally {
    await file.close()
  }
}
