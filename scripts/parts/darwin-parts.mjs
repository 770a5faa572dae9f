// SPDX-License-Identifier: Apache-2.0
// What a Mac's host side needs, from pinned releases: gvproxy as upstream publishes it, libkrun and libkrunfw as the
// bottles of libkrun's own Homebrew tap. A bottle names its neighbours by Homebrew's folders; here every library gets
// its neighbours from its own folder, and is signed anew (for local use: packaging signs for real). That takes Apple's tools, so libkrun
// is made on a Mac only; or left out (`--without libkrun`) where `brew install libkrun/krun/libkrun` provides it.
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { makeAtomically } from '../setup/atomic.mjs'
import { command } from '../setup/command.mjs'
import { SetupProblem } from '../setup/problem.mjs'
import { demandPins, pinnedFile, pins } from './pinned-files.mjs'

/** @typedef {import('./parts.mjs').Part} Part */
/** @typedef {import('./parts.mjs').MakeContext} MakeContext */

const inputs = ['scripts/parts/pins.json', 'scripts/parts/darwin-parts.mjs']
const libkrun = ['libkrun', 'virglrenderer', 'libepoxy', 'molten-vk']

/** @type {readonly Part[]} */
export const pinnedParts = [
  {
    name: 'gvproxy',
    group: 'runtime',
    outputs: ['bin/gvproxy'],
    packages: [],
    inputs,
    make: async ({ at, cache }) => {
      const file = await pinnedFile('gvproxy', { cache })
      await makeAtomically(at('bin/gvproxy'), async (partial) => {
        await copyFile(file, partial)
        await chmod(partial, 0o755)
      })
    },
  },
  bottles('libkrun', 'runtime', libkrun),
  bottles('libkrunfw', 'firmware', ['libkrunfw']),
]

/**
 * A part of the libraries of some bottles.
 * @param {string} name
 * @param {import('./parts.mjs').Group} group
 * @param {readonly string[]} from names of pins
 * @returns {Part}
 */
function bottles(name, group, from) {
  const libraries = from.flatMap((pin) => pins[pin]?.libraries ?? [])
  return {
    name,
    group,
    outputs: [...libraries.map((library) => `lib/${library}`), `licences/${name}`],
    packages: [],
    inputs,
    async make(context) {
      demandPins(name, from)
      if (process.platform !== 'darwin') {
        const remedy = `Run this on a Mac, or leave it out: --without ${name}`
        throw new SetupProblem(name, "its libraries are relinked with Apple's tools", remedy)
      }
      for (const pin of from) await unpackBottle(pin, name, context)
      const { at } = context
      for (const library of libraries) await relink(at(`lib/${library}`), command)
    },
  }
}

/** @param {string} pin @param {string} part @param {MakeContext} context */
async function unpackBottle(pin, part, { at, cache }) {
  const file = await pinnedFile(pin, { cache })
  const scratch = await mkdtemp(join(tmpdir(), 'microvm-bottle-'))
  try {
    await command('tar', ['-xzf', file, '-C', scratch])
    const keg = await kegIn(scratch)
    for (const library of pins[pin]?.libraries ?? []) {
      const from = await realpath(join(keg, 'lib', library))
      await makeAtomically(at(`lib/${library}`), (partial) => copyFile(from, partial))
    }
    const licences = (await readdir(keg)).filter((name) => /^(licen[cs]e|copying)/i.test(name))
    await mkdir(at(`licences/${part}/${pin}`), { recursive: true })
    for (const licence of licences)
      await cp(join(keg, licence), at(`licences/${part}/${pin}/${licence}`), { recursive: true })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** A bottle holds <formula>/<version>/. @param {string} dir */
async function kegIn(dir) {
  const [formula = ''] = await readdir(dir)
  const [version = ''] = await readdir(join(dir, formula))
  return join(dir, formula, version)
}

/**
 * Makes a library look for its neighbours beside itself, and checks that they are there.
 * @param {string} library
 * @param {typeof command} run
 */
export async function relink(library, run) {
  const beside = new Set(await readdir(dirname(library)))
  // Each line after the first: "<tab><install name> (compatibility version …)".
  const lines = (await run('otool', ['-L', library])).split('\n').slice(1)
  const names = lines.map((line) => line.trim().split(' (')[0] ?? '')
  const foreign = names.filter((name) => /^(@@HOMEBREW_|\/opt\/homebrew\/)/.test(name))
  const self = basename(library)
  const missing = foreign.filter((name) => !beside.has(basename(name)))
  if (missing.length > 0) {
    throw new SetupProblem(
      self,
      `it needs ${missing.map((name) => basename(name)).join(', ')}, which no pinned part has.`,
      'Pin the bottle that has it in scripts/parts/pins.json and name it in darwin-parts.mjs.',
    )
  }
  const changes = foreign.flatMap((name) => ['-change', name, `@loader_path/${basename(name)}`])
  await chmod(library, 0o755)
  await run('install_name_tool', ['-id', `@rpath/${self}`, ...changes, library])
  await run('codesign', ['--force', '--sign', '-', library])
}
