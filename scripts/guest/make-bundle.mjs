// SPDX-License-Identifier: Apache-2.0
// Makes the guest bundle: node make-bundle.mjs --platform NAME --packages DIR --host-packages DIR --out DIR
// (the packages of the guest's architecture, and of this computer's, whose busybox tells what it can do).
// DIR/bundle.tar: an image layer with everything under .microvm/ (init, busybox, dropbear, sftp-server
// with their loader and libraries); DIR/manifest.json: where each file came from, with its SHA-256.
// The same inputs give the same bytes. Both outputs are written beside their place and renamed.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { platformOf } from '../parts/platforms.mjs'
import { readBusybox } from './busybox.mjs'
import { compileGuest } from './compile.mjs'
import { openPackages } from './packages.mjs'
import { directory, file, symlink, tarOf } from './tar-file.mjs'

/** @typedef {import('./tar-file.mjs').TarEntry} TarEntry */
/** @typedef {Awaited<ReturnType<typeof openPackages>>} Packages */
/** @typedef {TarEntry & { package?: string }} BundleEntry */
/** @typedef {import('../parts/platforms.mjs').Platform} Platform */

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const OURS = 'microvm-desktop'

/** Package → libraries that dropbear and sftp-server load. */
const libraries = {
  libc6: ['libc.so.6'],
  libcrypt1: ['libcrypt.so.1'],
  libgmp10: ['libgmp.so.10'],
  libtomcrypt1: ['libtomcrypt.so.1'],
  libtommath1: ['libtommath.so.1'],
  zlib1g: ['libz.so.1'],
}

/**
 * Applets that are no fallback for a tool an image lacks. Scripts tell distributions apart by their package
 * managers; inits, logins, daemons and kernel consoles have no place in a session.
 */
const leftOut = new Set(
  `busybox dpkg dpkg-deb rpm rpm2cpio init linuxrc run-init switch_root pivot_root getty login sulogin su
  passwd halt poweroff reboot acpid crond crontab httpd klogd syslogd telnetd udhcpd udhcpc udhcpc6 dumpleases
  watchdog mdev uevent svc svok start-stop-daemon chvt deallocvt openvt cttyhack dumpkmap loadkmap loadfont
  setkeycodes resume nuke ssl_client`.split(/\s+/),
)

/** Empty folders init mounts on; native-runner/guest/mounts.h. */
const mountPoints = ['config', 'dev', 'disk', 'root', 'sys']

/** @param {string} path @param {string} name @param {Buffer} content @param {number} [mode] @returns {BundleEntry} */
const packaged = (path, name, content, mode = 0o755) => ({
  ...file(path, content, mode),
  package: name,
})

/** @param {Platform} platform @param {Packages} packages */
async function copied(platform, packages) {
  const lib = `usr/lib/${platform.triplet}`
  /** @param {string} to @param {string} name @param {string} from */
  const copy = async (to, name, from) =>
    packaged(to, name, await readFile(packages.path(name, from)))
  const files = await Promise.all([
    copy('bin/busybox', 'busybox-static', 'usr/bin/busybox'),
    copy('sbin/dropbear', 'dropbear-bin', 'usr/sbin/dropbear'),
    copy('libexec/sftp-server', 'openssh-sftp-server', 'usr/lib/openssh/sftp-server'),
    copy(`lib/${platform.loader}`, 'libc6', `${lib}/${platform.loader}`),
    ...Object.entries(libraries).flatMap(([name, names]) =>
      names.map((library) => copy(`lib/${library}`, name, `${lib}/${library}`)),
    ),
  ])
  return [...files, symlink('lib/ld-linux.so', platform.loader)]
}

/** What each package's licence demands to come along. @param {Packages} packages @param {readonly string[]} names */
async function licences(packages, names) {
  /** @type {BundleEntry[]} */
  const entries = [directory('share'), directory('share/doc')]
  for (const name of names) {
    const from = packages.path(name, `usr/share/doc/${name}/copyright`)
    entries.push(directory(`share/doc/${name}`))
    entries.push(packaged(`share/doc/${name}/copyright`, name, await readFile(from), 0o644))
  }
  return entries
}

/**
 * @param {Platform} platform
 * @param {Packages} packages
 * @param {Packages} hostPackages
 * @returns {Promise<BundleEntry[]>} paths inside .microvm
 */
async function bundleEntries(platform, packages, hostPackages) {
  const { paths } = await readBusybox(packages, hostPackages)
  const applets = paths.map((path) => basename(path)).filter((name) => !leftOut.has(name))
  const { init, rootAccount } = await compileGuest(platform)
  const script = await readFile(join(project, 'native-runner/guest/session-path.sh'))
  const names = [...Object.keys(libraries), 'busybox-static', 'dropbear-bin', 'openssh-client']
  return [
    ...['bin', 'sbin', 'lib', 'libexec', 'etc'].map((path) => directory(path)),
    directory('mnt', 0o700),
    ...mountPoints.map((name) => directory(`mnt/${name}`)),
    packaged('init', OURS, init),
    packaged('lib/root-account.so', OURS, rootAccount),
    packaged('etc/session-path.sh', OURS, script, 0o644),
    ...['poweroff', 'reboot', 'halt'].map((name) => symlink(`bin/${name}`, '../init')),
    ...applets.map((name) => symlink(`bin/${name}`, 'busybox')),
    ...(await copied(platform, packages)),
    ...(await licences(packages, names)),
  ]
}

/** @param {Buffer} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** @param {BundleEntry[]} entries @param {Packages} packages @param {Buffer} tar */
async function manifestOf(entries, packages, tar) {
  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  const files = entries.flatMap((entry) => {
    const { path, content, package: name } = entry
    if (!content || !name) return []
    const packageVersion = name === OURS ? version : packages.version(name)
    return [{ path, sha256: sha256(content), size: content.length, package: name, packageVersion }]
  })
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { version: 1, tar: { sha256: sha256(tar), size: tar.length }, files }
}

/** @param {string} path @param {Buffer | string} data */
async function writeAtomically(path, data) {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await writeFile(temporary, data)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

const string = /** @type {const} */ ({ type: 'string' })
const { values } = parseArgs({
  options: { platform: string, packages: string, 'host-packages': string, out: string },
})
if (!values.packages || !values['host-packages'] || !values.out) {
  console.error(
    'usage: make-bundle.mjs --platform NAME --packages DIR --host-packages DIR --out DIR',
  )
  process.exit(64)
}
try {
  const packages = await openPackages(values.packages)
  const hostPackages = await openPackages(values['host-packages'])
  const inside = await bundleEntries(platformOf(values.platform), packages, hostPackages)
  const entries = inside.map((entry) => ({ ...entry, path: `.microvm/${entry.path}` }))
  const tar = tarOf([directory('.microvm'), ...entries])
  const manifest = await manifestOf(entries, packages, tar)
  await mkdir(values.out, { recursive: true })
  await writeAtomically(join(values.out, 'bundle.tar'), tar)
  await writeAtomically(
    join(values.out, 'manifest.json'),
    `${JSON.stringify(manifest, undefined, 2)}\n`,
  )
} catch (error) {
  console.error(`guest bundle: ${/** @type {Error} */ (error).message}`)
  process.exit(1)
}
