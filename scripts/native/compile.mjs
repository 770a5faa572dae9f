// SPDX-License-Identifier: Apache-2.0
// Compiles the addon for libkrun with node-gyp, in a folder of its own, so that nothing but the result appears in the
// project. No network: the headers are those beside the running Node. The addon uses Node-API only, so one build
// serves every Node and Electron.
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { failureOf, tryCommand } from '../setup/command.mjs'
import { inProject } from '../setup/paths.mjs'
import { SetupProblem } from '../setup/problem.mjs'

const PART = 'libkrun addon'
const SOURCES = 'native-runner/addon'

/** Everything the addon is made from, relative to the project. */
export const addonInputs = [SOURCES, 'scripts/native', 'node_modules/node-addon-api/package.json']

/**
 * @param {string} out the file to write; its folder is made
 * @param {object} [options]
 * @param {string} [options.sanitize] for -fsanitize=, in builds for tests: "address,undefined"
 * @throws {SetupProblem}
 */
export async function compileAddon(out, { sanitize } = {}) {
  const nodeDir = findNodeDir(process.execPath)
  const scratch = await mkdtemp(join(tmpdir(), 'microvm-addon-'))
  try {
    await cp(inProject(SOURCES), scratch, { recursive: true })
    const result = await tryCommand(process.execPath, [
      inProject('node_modules/node-gyp/bin/node-gyp.js'),
      ...['rebuild', `--directory=${scratch}`, `--nodedir=${nodeDir}`, '--silent', '--'],
      `-Dnode_addon_api=${inProject('node_modules/node-addon-api')}`,
      ...(sanitize === undefined ? [] : [`-Dsanitize=${sanitize}`]),
    ])
    if (result.code !== 0) {
      throw new SetupProblem(
        PART,
        `it does not compile.\n${failureOf(result, 30)}`,
        'It takes Python 3, make and a C++17 compiler: on Debian `apt-get install python3 make g++`.',
      )
    }
    await mkdir(dirname(out), { recursive: true })
    await copyFile(join(scratch, 'build/Release/krun.node'), out)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/**
 * The folder whose include/node has Node's headers. node-gyp would download them.
 * @param {string} executable
 * @throws {SetupProblem}
 */
function findNodeDir(executable) {
  const dir = dirname(dirname(executable))
  const header = join(dir, 'include/node/node_api.h')
  if (existsSync(header)) return dir
  throw new SetupProblem(
    PART,
    `the headers of Node.js are missing: there is no ${header}.`,
    'Use a Node.js that brings its headers (the archives of nodejs.org, nvm, NodeSource), or install them: ' +
      'on Debian `apt-get install libnode-dev`.',
  )
}
