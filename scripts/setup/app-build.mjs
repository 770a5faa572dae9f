// SPDX-License-Identifier: Apache-2.0
// Builds out/ when the sources are not those it was built from. The stamp is taken away before and
// written after, so that a build that broke off is no build.
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { writeJsonAtomically } from './atomic.mjs'
import { failureOf, tryCommand } from './command.mjs'
import { inProject, projectDir } from './paths.mjs'
import { SetupProblem } from './problem.mjs'
import { hashFiles } from './stamps.mjs'

const sources = [
  ...['src', 'native-runner', 'assets', 'electron.vite.config.ts', 'tsconfig.json'],
  ...['package.json', 'package-lock.json'],
]
const stampFile = inProject('out/build.json')

/** @param {string} path */
const isBundled = (path) => !/\.(c|cc|gyp|h|md)$/.test(path)

/** @returns {boolean} */
export function buildIsCurrent() {
  return readStamp() === hashFiles(projectDir, sources, isBundled)
}

/** @returns {Promise<{ built: boolean }>} */
export async function ensureBuild() {
  const key = hashFiles(projectDir, sources, isBundled)
  if (readStamp() === key) return { built: false }
  await rm(stampFile, { force: true })
  const result = await tryCommand('npm', ['run', '--silent', 'build'], {
    cwd: projectDir,
    tied: true,
  })
  if (result.code !== 0) {
    throw new SetupProblem(
      'build',
      `the app does not build.\n${failureOf(result, 30)}`,
      'Mend what the messages above name ("npm run build" shows all of them).',
    )
  }
  await writeJsonAtomically(stampFile, { sources: key })
  return { built: true }
}

/** @returns {string | undefined} */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')).sources
  } catch {
    return undefined
  }
}
