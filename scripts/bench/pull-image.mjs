// SPDX-License-Identifier: Apache-2.0
// The images that `npm run bench:pull` pulls, as OCI layouts made once per machine from Debian's packages:
// - `whole`: Debian with apt's caches; python3, postgresql, nginx and git on top; a layer that deletes much of both.
// - `again`: the same layers under another config.
// - `cousin`: the same layers but the last, and a small one of its own: nine tenths of its bytes are shared.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { makeAtomically } from '../setup/atomic.mjs'
import { command } from '../setup/command.mjs'
import { withLock } from '../setup/locking.mjs'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

export const tags = /** @type {const} */ (['whole', 'again', 'cousin'])

/**
 * Needs root, debootstrap and GNU tar.
 * @param {string} cache the per-user cache
 * @returns {Promise<string>} a layout with every tag
 */
export async function benchImages(cache) {
  const recipe = createHash('sha256').update(await readFile(fileURLToPath(import.meta.url)))
  const layout = join(cache, 'test-images', `bench-${recipe.digest('hex').slice(0, 16)}`)
  if (existsSync(layout)) return layout
  await withLock(join(cache, 'locks', 'bench-images'), async () => {
    if (existsSync(layout)) return
    console.log('Making the images to pull, once; this takes some minutes.')
    await makeAtomically(layout, make)
  })
  return layout
}

/** @param {string} layout */
async function make(layout) {
  const work = `${layout}-work`
  const root = join(work, 'root')
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true })
  await mkdir(work, { recursive: true })
  try {
    const suite = /^VERSION_CODENAME=(.+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1]
    await command('debootstrap', ['--variant=minbase', suite ?? 'stable', root, await mirror()])
    await pack(root, join(work, 'base.tar'), ['.'])
    await writeFile(join(work, 'stamp'), '')
    const packages = ['python3', 'postgresql', 'nginx', 'git']
    await inRoot(root, `apt-get update && apt-get install --yes ${packages.join(' ')}`)
    // What the installation has made or touched; what it may have removed does not matter here.
    const changed = `cd "$1" && find . -newercc "$2" -print > "$3"`
    await command('sh', ['-c', changed, 'sh', root, join(work, 'stamp'), join(work, 'changed')])
    await pack(root, join(work, 'packages.tar'), ['--no-recursion', '-T', join(work, 'changed')])
    await writeWhiteouts(root, join(work, 'removal'))
    await pack(join(work, 'removal'), join(work, 'removal.tar'), ['.'])
    await pack(root, join(work, 'own.tar'), ['./usr/share/doc', './usr/share/locale'])
    const layers = await Promise.all(
      ['base', 'packages', 'removal', 'own'].map((name) => addLayer(layout, join(work, name))),
    )
    await writeIndex(layout, layers)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The mirror this machine is set up for. */
async function mirror() {
  const list = await command('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
  ])
  const found = list.split('\n').find((line) => line !== '' && !line.includes('security'))
  if (found === undefined) throw new Error('apt knows no Debian mirror: see /etc/apt/sources.list')
  return found
}

/** @param {string} root @param {string} script */
async function inRoot(root, script) {
  const policy = join(root, 'usr', 'sbin', 'policy-rc.d')
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  await command('mount', ['--bind', '/proc', join(root, 'proc')])
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
    await command('chroot', [root, 'sh', '-ec', script], { env })
  } finally {
    await command('umount', [join(root, 'proc')])
    await rm(policy)
  }
}

/** @param {string} root @param {string} archive @param {string[]} what */
const pack = (root, archive, what) =>
  command('tar', [
    ...['--format=pax', '--xattrs', '--xattrs-include=*', '--numeric-owner', '--sort=name'],
    ...['-C', root, '-cf', archive, ...what],
  ])

/** What people delete to make an image smaller, a layer too late. @param {string} root @param {string} removal */
async function writeWhiteouts(root, removal) {
  const script = `cd "$1"
    for path in var/cache/apt/archives/*.deb var/lib/apt/lists/* usr/share/doc/* usr/share/man/* \\
        usr/share/locale/* usr/lib/python3*/test usr/lib/git-core/git-* usr/share/perl/*/unicore; do
      [ -e "$path" ] || continue
      mkdir -p "$2/$(dirname "$path")" && : > "$2/$(dirname "$path")/.wh.$(basename "$path")"
    done`
  await command('sh', ['-ec', script, 'sh', root, removal])
}

/** @param {string} layout @param {string} stem */
async function addLayer(layout, stem) {
  const diffId = await digestOf(`${stem}.tar`)
  await command('gzip', ['-n', '-6', `${stem}.tar`])
  const digest = await digestOf(`${stem}.tar.gz`)
  const { size } = await stat(`${stem}.tar.gz`)
  await rename(`${stem}.tar.gz`, join(layout, 'blobs', 'sha256', digest.slice(7)))
  return { diffId, descriptor: { mediaType: LAYER, digest, size } }
}

/** @param {string} layout @param {Awaited<ReturnType<typeof addLayer>>[]} layers */
async function writeIndex(layout, [base, packages, removal, own]) {
  if (!base || !packages || !removal || !own) throw new Error('a layer is missing')
  const composition = {
    whole: [base, packages, removal],
    again: [base, packages, removal],
    cousin: [base, packages, own],
  }
  const manifests = []
  for (const tag of tags) {
    const layers = composition[tag]
    const config = await put(layout, CONFIG, {
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Cmd: ['bash'], Labels: { bench: tag } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    })
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config }
    const whole = { ...manifest, layers: layers.map(({ descriptor }) => descriptor) }
    const annotations = { 'org.opencontainers.image.ref.name': tag }
    manifests.push({ ...(await put(layout, MANIFEST, whole)), annotations })
  }
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}

/** @param {string} layout @param {string} mediaType @param {object} value */
async function put(layout, mediaType, value) {
  const text = JSON.stringify(value)
  const hex = createHash('sha256').update(text).digest('hex')
  await writeFile(join(layout, 'blobs', 'sha256', hex), text)
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) }
}

/** @param {string} path */
async function digestOf(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return `sha256:${hash.digest('hex')}`
}
