// SPDX-License-Identifier: Apache-2.0
// Makes the starter image: node make-starter-image.mjs --platform NAME --packages DIR --host-packages DIR --out DIR
// (the packages of the guest's architecture, and of this computer's, whose busybox tells what it can do).
// An OCI image layout (image-spec 1.1, image-layout.md) named "starter": static busybox with an /etc, no command, so
// that its machine idles. The same inputs give the same digests. OUT is replaced whole, at the end.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { platformOf } from '../parts/platforms.mjs'
import { readBusybox } from './busybox.mjs'
import { openPackages } from './packages.mjs'
import { starterFiles } from './starter-files.mjs'
import { directory, file, symlink, tarOf } from './tar-file.mjs'

/** @typedef {import('./tar-file.mjs').TarEntry} TarEntry */
/** @typedef {Awaited<ReturnType<typeof openPackages>>} Packages */

const REFERENCE = 'starter'
/** Not linked: it is the machine that has an init, and the others stand for themselves. */
const leftOut = new Set(['bin/busybox', 'linuxrc', 'sbin/init'])

/** @param {Packages} packages @param {Packages} hostPackages @returns {Promise<TarEntry[]>} */
async function layerEntries(packages, hostPackages) {
  const busybox = await readBusybox(packages, hostPackages)
  const applets = busybox.paths.filter((path) => !leftOut.has(path))
  const copyright = packages.path('busybox-static', 'usr/share/doc/busybox-static/copyright')
  return [
    ...starterFiles({ version: busybox.version, tools: applets.length }),
    file('bin/busybox', busybox.program, 0o755),
    ...applets.map((path) => symlink(path, '/bin/busybox')),
    directory('usr/share/doc'),
    directory('usr/share/doc/busybox'),
    file('usr/share/doc/busybox/copyright', await readFile(copyright)),
  ]
}

/** @param {Buffer} bytes */
const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** @param {string} layout @param {string} mediaType @param {Buffer} bytes */
async function writeBlob(layout, mediaType, bytes) {
  const digest = digestOf(bytes)
  await writeFile(join(layout, 'blobs', digest.replace(':', '/')), bytes)
  return { mediaType, digest, size: bytes.length }
}

/** @param {unknown} value */
const json = (value) => Buffer.from(JSON.stringify(value))

/** @param {string} layout an empty folder @param {Buffer} tar @param {string} architecture */
async function writeLayout(layout, tar, architecture) {
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true })
  const oci = 'application/vnd.oci.image'
  const layer = await writeBlob(layout, `${oci}.layer.v1.tar+gzip`, gzipSync(tar, { level: 9 }))
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const image = {
    architecture,
    os: 'linux',
    config: { Env: [`PATH=${path}`], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created_by: 'static busybox with a small /etc' }],
  }
  const config = await writeBlob(layout, `${oci}.config.v1+json`, json(image))
  const mediaType = `${oci}.manifest.v1+json`
  const manifest = { schemaVersion: 2, mediaType, config, layers: [layer] }
  const index = {
    schemaVersion: 2,
    mediaType: `${oci}.index.v1+json`,
    manifests: [
      {
        ...(await writeBlob(layout, mediaType, json(manifest))),
        platform: { architecture, os: 'linux' },
        annotations: { 'org.opencontainers.image.ref.name': REFERENCE },
      },
    ],
  }
  await writeFile(join(layout, 'index.json'), json(index))
  await writeFile(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
}

/**
 * @param {import('../parts/platforms.mjs').Platform} platform
 * @param {{ packages: string, hostPackages: string }} folders
 * @param {string} out
 */
async function makeStarterImage(platform, { packages, hostPackages }, out) {
  const entries = await layerEntries(await openPackages(packages), await openPackages(hostPackages))
  await mkdir(dirname(out), { recursive: true })
  const scratch = await mkdtemp(`${out}.tmp-`)
  try {
    const layout = join(scratch, 'new')
    await mkdir(layout)
    await writeLayout(layout, tarOf(entries), platform.debian)
    await rename(out, join(scratch, 'old')).catch((error) => {
      if (error.code !== 'ENOENT') throw error
    })
    await rename(layout, out)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const string = /** @type {const} */ ({ type: 'string' })
const { values } = parseArgs({
  options: { platform: string, packages: string, 'host-packages': string, out: string },
})
const { platform, packages, 'host-packages': hostPackages, out } = values
if (!packages || !hostPackages || !out) {
  console.error(
    'usage: make-starter-image.mjs --platform NAME --packages DIR --host-packages DIR --out DIR',
  )
  process.exit(64)
}
try {
  await makeStarterImage(platformOf(platform), { packages, hostPackages }, resolve(out))
} catch (error) {
  console.error(`starter image: ${/** @type {Error} */ (error).message}`)
  process.exit(1)
}
