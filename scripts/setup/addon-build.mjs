// SPDX-License-Identifier: Apache-2.0
// Builds out/native/krun.node when what it is made from has changed; its stamp lies beside it.
import { existsSync, readFileSync } from 'node:fs'
import { addonInputs, compileAddon } from '../native/compile.mjs'
import { makeAtomically, writeJsonAtomically } from './atomic.mjs'
import { inProject, projectDir } from './paths.mjs'
import { hashFiles } from './stamps.mjs'

const addon = inProject('out/native/krun.node')
const stampFile = inProject('out/native/build.json')

/** @returns {boolean} */
export function addonIsCurrent() {
  return existsSync(addon) && readStamp() === keyOf()
}

/** @returns {Promise<{ built: boolean }>} */
export async function ensureAddon() {
  if (addonIsCurrent()) return { built: false }
  await makeAtomically(addon, (partial) => compileAddon(partial))
  await writeJsonAtomically(stampFile, { made: keyOf() })
  return { built: true }
}

const keyOf = () => `${process.platform}-${process.arch} ${hashFiles(projectDir, addonInputs)}`

/** @returns {string | undefined} */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')).made
  } catch {
    return undefined
  }
}
