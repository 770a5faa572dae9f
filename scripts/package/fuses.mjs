// SPDX-License-Identifier: Apache-2.0
// The switches inside the packaged Electron binary: which are wanted, and what a binary really has.
import { flipFuses, FuseV1Options, FuseVersion, getCurrentFuseWire } from '@electron/fuses'

/** @type {Readonly<Record<keyof typeof FuseV1Options, boolean>>} */
export const wantedFuses = {
  // Runners, krun-vmm and the command line are this Electron, run as Node.
  RunAsNode: true,
  EnableCookieEncryption: true,
  // Environment and arguments of whoever starts the app must not put code into it.
  EnableNodeOptionsEnvironmentVariable: false,
  EnableNodeCliInspectArguments: false,
  // Electron checks app.asar on macOS only; on Linux this one does nothing.
  EnableEmbeddedAsarIntegrityValidation: true,
  OnlyLoadAppFromAsar: true,
  // Such a snapshot is not shipped.
  LoadBrowserProcessSpecificV8Snapshot: false,
  // The window's page comes from app://, not from file://.
  GrantFileProtocolExtraPrivileges: false,
}
/** States of a fuse in the binary, as characters; any other: this Electron lacks it (electron/docs/tutorial/fuses.md). */
const state = { on: '1'.charCodeAt(0), off: '0'.charCodeAt(0) }
const names = /** @type {(keyof typeof FuseV1Options)[]} */ (Object.keys(wantedFuses))

/** @param {string} app the executable, or the .app on macOS */
export async function setFuses(app) {
  const states = names.map((name) => [FuseV1Options[name], wantedFuses[name]])
  await flipFuses(app, { version: FuseVersion.V1, ...Object.fromEntries(states) })
}

/**
 * What the binary itself says.
 * @param {string} app the executable, or the .app on macOS
 * @returns {Promise<Partial<Record<keyof typeof FuseV1Options, boolean>>>} without those it does not have
 */
export async function readFuses(app) {
  const wire = await getCurrentFuseWire(app)
  const states = names.flatMap((name) => {
    const found = Number(wire[FuseV1Options[name]])
    return found === state.on || found === state.off ? [[name, found === state.on]] : []
  })
  return Object.fromEntries(states)
}

/** @param {string} app @throws {Error} naming each fuse that is not as wanted */
export async function checkFuses(app) {
  const found = await readFuses(app)
  const wrong = names.filter((name) => found[name] !== wantedFuses[name])
  if (wrong.length > 0) throw new Error(`${app}: fuses are not as wanted: ${wrong.join(', ')}`)
}
