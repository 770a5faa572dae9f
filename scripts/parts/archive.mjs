// SPDX-License-Identifier: Apache-2.0
// A group of parts as an archive to pass on, and back. Inside, under one folder: the files as they lie in
// runtime/<os>-<arch> with the group's licences, manifest.json (what each part was made from) and SHA256SUMS.
// The same parts give the same bytes. Every file is compared with the manifest when it goes in and when it comes out.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { extract } from 'tar'
import { file, streamTar } from '../guest/tar-file.mjs'
import { makeAtomically } from '../setup/atomic.mjs'
import { inProject } from '../setup/paths.mjs'
import { SetupProblem } from '../setup/problem.mjs'
import { isCurrent, readManifest, writeManifest } from './assemble.mjs'
import { partsOf } from './parts.mjs'

/** @typedef {import('./assemble.mjs').ManifestPart} ManifestPart */
/** @typedef {import('./assemble.mjs').ManifestFile} ManifestFile */
/** @typedef {import('./parts.mjs').Group} Group */
/** @typedef {import('./platforms.mjs').Platform} Platform */
/**
 * @typedef {object} ArchiveManifest
 * @property {1} version
 * @property {string} product version of MicroVM Desktop
 * @property {Group} group
 * @property {string} platform
 * @property {Record<string, ManifestPart>} parts
 */

const SUMS = 'SHA256SUMS'

/**
 * Packs the group's parts, which must be current.
 * @param {object} options
 * @param {Group} options.group
 * @param {Platform} options.platform
 * @param {string} options.dir its runtime folder
 * @param {readonly string[]} [options.without] names of parts to leave out
 * @param {string} options.out a folder, made if missing
 * @returns {Promise<{ path: string, sha256: string }>} the archive; its sum is in <out>/SHA256SUMS as well
 * @throws {SetupProblem} if a part is missing, out of date or not as its manifest says
 */
export async function packArchive({ group, platform, dir, without = [], out }) {
  const parts = currentParts({ group, platform, dir, without })
  const { version } = JSON.parse(readFileSync(inProject('package.json'), 'utf8'))
  const name = `microvm-${group}-${version}-${platform.name}`
  /** @type {ArchiveManifest} */
  const manifest = { version: 1, product: version, group, platform: platform.name, parts }
  const files = Object.values(parts).flatMap((part) => part.files)
  for (const found of files) await checkFile(dir, found)
  await mkdir(out, { recursive: true })
  const path = join(out, `${name}.tar.gz`)
  const sha256 = await makeAtomically(path, async (partial) => {
    const entries = entriesOf(dir, files, manifest)
    const named = entries.map((entry) => ({ ...entry, path: `${name}/${entry.path}` }))
    const gzip = createGzip({ level: 9 })
    await pipeline(Readable.from(streamTar(named)), gzip, createWriteStream(partial))
    return await sha256Of(partial)
  })
  await addSum(join(out, SUMS), basename(path), sha256)
  return { path, sha256 }
}

/**
 * Puts the parts of an archive into a runtime folder, in place of what is there.
 * @param {object} options
 * @param {string} options.file
 * @param {string} options.sha256 what the file must be
 * @param {Group} options.group
 * @param {Platform} options.platform
 * @param {string} options.dir its runtime folder
 * @throws {SetupProblem} if it is another file, or holds another group, or parts for another guest; nothing is
 *   changed then
 */
export async function installArchive({ file: archive, sha256, group, platform, dir }) {
  const found = await sha256Of(archive)
  if (found !== sha256.toLowerCase())
    throw problem(archive, `its SHA-256 is ${found}, not ${sha256}`)
  await mkdir(dir, { recursive: true })
  const scratch = await mkdtemp(join(dir, '.unpacked-'))
  try {
    await extract({ file: archive, cwd: scratch, strip: 1, strict: true })
    const manifest = readArchiveManifest(archive, scratch)
    // A Mac's guest is the same Linux as that of linux-arm64.
    const sameGuest = group === 'firmware' && manifest.platform.endsWith(`-${platform.arch}`)
    if (manifest.group !== group || (manifest.platform !== platform.name && !sameGuest))
      throw problem(archive, `it is the ${manifest.group} of ${manifest.platform}`)
    const files = Object.values(manifest.parts).flatMap((part) => part.files)
    for (const one of files) await checkFile(scratch, one)
    const outside = files.find(({ path }) => !resolve(dir, path).startsWith(`${resolve(dir)}/`))
    if (outside) throw problem(archive, `it names ${outside.path}, which lies outside`)
    for (const { path } of files) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await rename(join(scratch, path), join(dir, path))
    }
    const whole = readManifest(dir)
    await writeManifest(dir, { ...whole, parts: { ...whole.parts, ...manifest.parts } })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** @param {{ group: Group, platform: Platform, dir: string, without: readonly string[] }} options */
function currentParts({ group, platform, dir, without }) {
  const wanted = partsOf(platform).filter((p) => p.group === group && !without.includes(p.name))
  const { parts } = readManifest(dir)
  const stale = wanted.filter((part) => !isCurrent(part, dir, parts[part.name]))
  if (stale.length > 0) {
    const names = stale.map((part) => part.name).join(', ')
    throw new SetupProblem(
      `${group} of ${platform.name}`,
      `missing or out of date: ${names}.`,
      `npm run fetch:${group} -- --platform ${platform.name}`,
    )
  }
  /** @type {Record<string, ManifestPart>} */
  const result = {}
  for (const { name } of wanted) {
    const part = parts[name]
    if (part) result[name] = part
  }
  return result
}

/** @param {string} dir @param {readonly ManifestFile[]} files @param {ArchiveManifest} manifest */
function entriesOf(dir, files, manifest) {
  const json = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)
  const own = { path: 'manifest.json', sha256: createHash('sha256').update(json).digest('hex') }
  const sums = [...files, own].map(({ path, sha256 }) => `${sha256}  ${path}\n`).sort()
  return [
    file('manifest.json', json),
    file(SUMS, sums.join('')),
    ...files.map(({ path, mode, size }) => ({
      ...{ path, type: /** @type {const} */ ('file'), mode: mode & 0o100 ? 0o755 : 0o644 },
      from: { path: join(dir, path), size },
    })),
  ]
}

/** @param {string} archive @param {string} dir @returns {ArchiveManifest} */
function readArchiveManifest(archive, dir) {
  try {
    const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'))
    if (manifest.version === 1) return manifest
  } catch {
    // Said below.
  }
  throw problem(archive, 'it has no manifest that this version understands')
}

/** @param {string} dir @param {ManifestFile} expected */
async function checkFile(dir, { path, size, sha256 }) {
  const info = await stat(join(dir, path)).catch(() => undefined)
  const isSame = info?.size === size && (await sha256Of(join(dir, path))) === sha256
  if (!isSame) throw problem(join(dir, path), 'it is not what its manifest says')
}

/** @param {string} path */
async function sha256Of(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** In the form of sha256sum(1), sorted by name. @param {string} path @param {string} name @param {string} sha256 */
async function addSum(path, name, sha256) {
  const old = await readFile(path, 'utf8').catch(() => '')
  const others = old.split('\n').filter((line) => line !== '' && !line.endsWith(`  ${name}`))
  const lines = [...others, `${sha256}  ${name}`].sort((a, b) =>
    a.slice(66) < b.slice(66) ? -1 : 1,
  )
  await makeAtomically(path, (partial) => writeFile(partial, `${lines.join('\n')}\n`))
}

/** @param {string} path @param {string} cause */
const problem = (path, cause) =>
  new SetupProblem(path, `${cause}.`, 'Make or download it anew. Nothing was changed.')
