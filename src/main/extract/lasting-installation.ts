// SPDX-License-Identifier: Apache-2.0
// Where machines run from. Their processes outlive the app, so what they run from must, too: an AppImage's mount goes
// when the app ends. There, the executable, the scripts and the native parts are extracted into the data directory, once
// for each version, and machines run from that copy. Elsewhere this is the installation itself: a package manager that
// replaces a file leaves the old one to whoever has it open. (On a Mac, apps run from where they were dragged to.)
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { Installation } from '../lib/installation'
import type { Logger } from '../lib/logger'
import { extract, type SourceFile } from './extract'

export interface LastingDeps {
  readonly env: NodeJS.ProcessEnv
  /** The folder of extracted folders. */
  readonly into: string
  /** The folder of machines: what the configuration of one names is not removed. */
  readonly vms: string
  readonly logger: Logger
  /** /proc/self/mountinfo unless given. */
  readonly mounts?: () => Promise<string>
}

/** What Electron needs beside its executable to be Node, as far as it is there. */
const companions = new Set([
  ...['libffmpeg.so', 'icudtl.dat', 'snapshot_blob.bin', 'v8_context_snapshot.bin'],
])
/** The packaged app's folder of everything that is not Electron. */
const RESOURCES = 'resources'
/** What images of discs and of programs are mounted as. An AppImage says of itself that it is one. */
const volatileTypes = /^(squashfs|iso9660)$/

/**
 * The installation that machines are to be started from.
 * @throws as {@link extract}
 */
export async function lastingInstallation(
  here: Installation,
  deps: LastingDeps,
): Promise<Installation> {
  const root = dirname(here.runnerProgram)
  if (!(await isVolatile(root, deps))) return here
  const files = await filesOf(root, here.runnerProgram)
  const folder = await extract(files, {
    ...deps,
    onNew: (identity) => removeUnused(identity, deps),
  })
  const moved = (path: string): string =>
    path === root || path.startsWith(root + sep) ? join(folder, relative(root, path)) : path
  return {
    runnerProgram: moved(here.runnerProgram),
    vmmProgram: moved(here.vmmProgram),
    scripts: moved(here.scripts),
    runtimeDir: moved(here.runtimeDir),
  }
}

/** Whether the folder may go while machines run. */
async function isVolatile(root: string, { env, mounts }: LastingDeps): Promise<boolean> {
  if (process.platform !== 'linux') return false
  // A checkout, run by the system's Node.
  if (!(await readdir(root)).includes(RESOURCES)) return false
  // Set by every AppImage's start; also when it was unpacked for one run only.
  const appDir = env['APPDIR']
  if (appDir && (root === appDir || root.startsWith(appDir + sep))) return true
  const table = await (mounts?.() ?? readFile('/proc/self/mountinfo', 'utf8')).catch(() => '')
  return volatileTypes.test(typeOfMount(table, root))
}

/** File system type of the mount that holds `path`: the longest mount point wins (proc_pid_mountinfo(5)). */
export function typeOfMount(table: string, path: string): string {
  let best = { length: -1, type: '' }
  for (const line of table.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const point = before.split(' ')[4]?.replaceAll('\\040', ' ') ?? ''
    const holds = point !== '' && (path === point || path.startsWith(point.replace(/\/?$/, '/')))
    // Of two on the same point, the later one covers the other.
    if (holds && point.length >= best.length)
      best = { length: point.length, type: after.split(' ')[0] ?? '' }
  }
  return best.type
}

/** The executable, what it needs as Node, and the resources that are files; each at its place relative to `root`. */
async function filesOf(root: string, executable: string): Promise<SourceFile[]> {
  const beside = (await readdir(root)).filter((name) => companions.has(name))
  const inside = await listFiles(join(root, RESOURCES))
  const paths = [executable, ...beside.map((name) => join(root, name)), ...inside]
  return await Promise.all(
    paths.map(async (from) => ({
      path: relative(root, from),
      from,
      executable: ((await stat(from)).mode & 0o100) !== 0,
    })),
  )
}

/** In a stable order; no links, and no archive: what machines run from lies beside it. */
async function listFiles(dir: string): Promise<string[]> {
  const entries = (await readdir(dir, { withFileTypes: true }))
    .filter(({ name }) => !name.endsWith('.asar'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const lists = await Promise.all(
    entries.map(async (entry) => {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) return await listFiles(path)
      return entry.isFile() ? [path] : []
    }),
  )
  return lists.flat()
}

/** Earlier versions' folders, unless a machine's configuration names one: it may be running from there. */
async function removeUnused(current: string, { into, vms, logger }: LastingDeps): Promise<void> {
  const configs = await Promise.all(
    (await readdir(vms).catch(() => [])).map((id) =>
      readFile(join(vms, id, 'runner.json'), 'utf8').catch(() => ''),
    ),
  )
  for (const name of await readdir(into)) {
    const isOther = /^[0-9a-f]{64}$/.test(name) && name !== current
    if (!isOther || configs.some((text) => text.includes(join(basename(into), name)))) continue
    logger.info('an earlier version’s parts are removed', { name })
    await rm(join(into, name), { recursive: true, force: true })
  }
}
