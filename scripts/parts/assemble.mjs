// SPDX-License-Identifier: Apache-2.0
// Keeps runtime/<os>-<arch> current. manifest.json there tells, for each part, what it was made from (a key over
// packages and scripts), its files with mode, size and SHA-256, and its source packages. A part is made again when its
// key changes or a file is gone.
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { writeJsonAtomically } from '../setup/atomic.mjs'
import { projectDir } from '../setup/paths.mjs'
import { SetupProblem } from '../setup/problem.mjs'
import { hashFiles } from '../setup/stamps.mjs'
import { wantedPackages } from './debian-packages.mjs'
import { partsOf } from './parts.mjs'

/** @typedef {import('./parts.mjs').Part} Part */
/** @typedef {import('./parts.mjs').Group} Group */
/** @typedef {import('./parts.mjs').MakeContext} MakeContext */
/** @typedef {import('./platforms.mjs').Platform} Platform */
/** @typedef {{ path: string, mode: number, size: number, sha256: string }} ManifestFile */
/** @typedef {{ name: string, version: string, suite: string, source: string, sha256: string }} ManifestPackage */
/**
 * @typedef {object} ManifestPart
 * @property {string} key
 * @property {ManifestFile[]} files
 * @property {ManifestPackage[]} packages sha256 of the .deb
 * @typedef {{ version: 1, parts: Record<string, ManifestPart> }} Manifest
 */

/** In the keys of all parts: a change of the manifest's form makes everything anew. */
const FORM = 2

/**
 * Makes one part if it is not current.
 * @param {Part} part
 * @param {Omit<MakeContext, 'at'>} context its packages are asked for only when the part must be made
 * @param {string} dir the platform's runtime folder
 * @returns {Promise<{ made: boolean }>}
 * @throws {SetupProblem}
 */
export async function ensurePart(part, context, dir) {
  const manifest = readManifest(dir)
  if (isCurrent(part, dir, manifest.parts[part.name])) return { made: false }
  /** @param {string} output */
  const at = (output) => join(dir, output)
  for (const output of part.outputs) await mkdir(dirname(at(output)), { recursive: true })
  try {
    await part.make({ ...context, at })
  } catch (error) {
    throw SetupProblem.of(part.name, error)
  }
  const sources = await sourcesOf(part, context)
  const paths = await filesOf(dir, part.outputs)
  const files = await Promise.all(paths.map((path) => describeFile(dir, path)))
  manifest.parts[part.name] = { key: keyOf(part, sources), files, packages: sources }
  await writeManifest(dir, manifest)
  return { made: true }
}

/** @param {Platform} platform @param {string} dir @returns {boolean} */
export function partsAreCurrent(platform, dir) {
  const manifest = readManifest(dir)
  return partsOf(platform).every((part) => isCurrent(part, dir, manifest.parts[part.name]))
}

/**
 * Whether it was made by these scripts, from packages like these, and is all there.
 * @param {Part} part
 * @param {string} dir
 * @param {ManifestPart | undefined} made
 */
export function isCurrent(part, dir, made) {
  if (made === undefined || made.key !== keyOf(part, made.packages)) return false
  return made.files.every(
    (file) => statSync(join(dir, file.path), { throwIfNoEntry: false })?.size === file.size,
  )
}

/** @param {Part} part @param {ManifestPackage[]} sources */
function keyOf(part, sources) {
  const wanted = part.packages.map((name) => `${name}/${wantedPackages[name]}`)
  return createHash('sha256')
    .update(JSON.stringify([FORM, part.outputs, wanted, sources]))
    .update(hashFiles(projectDir, part.inputs))
    .digest('hex')
}

/** @param {string} dir */
const manifestFile = (dir) => join(dir, 'manifest.json')

/** @param {string} dir @returns {Manifest} without parts if there is none that can be read */
export function readManifest(dir) {
  try {
    const manifest = JSON.parse(readFileSync(manifestFile(dir), 'utf8'))
    if (manifest.version === 1) return manifest
  } catch {
    // None yet, or unreadable: every part is made anew.
  }
  return { version: 1, parts: {} }
}

/** @param {string} dir @param {Manifest} manifest */
export async function writeManifest(dir, manifest) {
  await writeJsonAtomically(manifestFile(dir), manifest)
}

/** @param {Part} part @param {Omit<MakeContext, 'at'>} context @returns {Promise<ManifestPackage[]>} */
async function sourcesOf(part, context) {
  if (part.packages.length === 0) return []
  const packages = await context.packages()
  return part.packages.map((name) => {
    const { version, suite, source, sha256 } = packages[name]
    return { name, version, suite, source, sha256 }
  })
}

/** @param {string} dir @param {readonly string[]} outputs @returns {Promise<string[]>} absolute paths */
async function filesOf(dir, outputs) {
  const files = []
  for (const output of outputs) {
    const path = join(dir, output)
    if ((await stat(path)).isFile()) files.push(path)
    else {
      const inside = await readdir(path, { recursive: true, withFileTypes: true })
      files.push(...inside.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name)))
    }
  }
  return files.sort()
}

/** @param {string} dir @param {string} path @returns {Promise<ManifestFile>} */
async function describeFile(dir, path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const { size, mode } = await stat(path)
  return { path: relative(dir, path), mode: mode & 0o777, size, sha256: hash.digest('hex') }
}
