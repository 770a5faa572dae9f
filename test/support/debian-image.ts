// SPDX-License-Identifier: Apache-2.0
// A real Debian as an OCI image of five layers that hold everything a layer may hold, and what a
// reference tool (umoci) makes of it. Made once per machine from Debian's own packages, then cached.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'

const run = promisify(execFile)
const sources = import.meta.dirname

export interface DebianImage {
  /** OCI layout; its one image is tagged `debian`. */
  readonly layout: string
  /** What `listing.sh` prints inside the root file system that umoci unpacks from it. */
  readonly expectedListing: string
}

/** Needs root, debootstrap, GNU tar, attr, libcap2-bin and umoci. */
export async function debianImage(): Promise<DebianImage> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const recipe = createHash('sha256')
  for (const name of ['debian-image.ts', 'debian-layers.sh', 'listing.sh']) {
    recipe.update(await readFile(join(sources, name)))
  }
  const parent = join(cache, 'microvm-desktop', 'test-images')
  const made = join(parent, `debian-${recipe.digest('hex').slice(0, 16)}`)
  if (!existsSync(made)) {
    await mkdir(parent, { recursive: true })
    const work = await mkdtemp(join(parent, '.making-'))
    try {
      await make(work)
      await rename(join(work, 'result'), made)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  }
  const expectedListing = await readFile(join(made, 'listing.txt'), 'utf8')
  return { layout: join(made, 'layout'), expectedListing }
}

async function make(work: string): Promise<void> {
  const mirror = await debianMirror()
  const suite = /^VERSION_CODENAME=(.+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1]
  const rootfs = join(work, 'rootfs')
  const options = ['--variant=minbase', '--include=attr,libcap2-bin']
  await run('debootstrap', [...options, suite ?? 'stable', rootfs, mirror], { maxBuffer: 2 ** 26 })
  await run('sh', ['-e', join(sources, 'debian-layers.sh'), work], { maxBuffer: 2 ** 26 })
  const result = join(work, 'result')
  const layers = Array.from({ length: 5 }, (_, i) => join(work, `layer${i + 1}.tar`))
  await writeLayout(join(result, 'layout'), layers)
  await run('umoci', [
    'unpack',
    '--image',
    `${join(result, 'layout')}:debian`,
    join(work, 'bundle'),
  ])
  const unpacked = join(work, 'bundle', 'rootfs')
  await cp(join(sources, 'listing.sh'), join(unpacked, 'tmp', 'listing.sh'))
  const { stdout } = await run('chroot', [unpacked, '/bin/sh', '/tmp/listing.sh'], {
    maxBuffer: 2 ** 28,
  })
  await writeFile(join(result, 'listing.txt'), stdout)
}

/** The mirror this machine is set up for; written nowhere. */
async function debianMirror(): Promise<string> {
  const { stdout } = await run('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
  ])
  const mirror = stdout.split('\n').find((line) => line !== '' && !line.includes('security'))
  if (mirror === undefined) throw new Error('apt knows no Debian mirror: see /etc/apt/sources.list')
  return mirror
}

async function writeLayout(layout: string, tars: readonly string[]): Promise<void> {
  const blobs = join(layout, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  const put = async (bytes: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(blobs, hex), bytes)
    return { digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) }
  }
  const layers = []
  const diffIds = []
  for (const tar of tars) {
    diffIds.push(`sha256:${await sha256(tar)}`)
    await pipeline(createReadStream(tar), createGzip({ level: 6 }), createWriteStream(`${tar}.gz`))
    const hex = await sha256(`${tar}.gz`)
    await rename(`${tar}.gz`, join(blobs, hex))
    const size = (await stat(join(blobs, hex))).size
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
    layers.push({ mediaType, digest: `sha256:${hex}`, size })
  }
  const config = await put(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'COLOUR=blue'],
        Cmd: ['bash'],
        WorkingDir: '/opt',
      },
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: diffIds.map((_, i) => ({ created_by: `layer ${i + 1}` })),
    }),
  )
  const manifestType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = await put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers,
    }),
  )
  const annotations = { 'org.opencontainers.image.ref.name': 'debian' }
  const index = {
    schemaVersion: 2,
    manifests: [{ mediaType: manifestType, ...manifest, annotations }],
  }
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
