// SPDX-License-Identifier: Apache-2.0
// From an empty store to an image that can boot: our pull against others', of the same image from the same local
// registry. They take turns in one run; the ratios are of the medians. Needs root, as umoci does.
import { spawn } from 'node:child_process'
import { mkdtemp, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from '../setup/command.mjs'
import { cacheDir } from '../setup/paths.mjs'
import { median, printFigures } from './figures.mjs'
import { benchImages, tags } from './pull-image.mjs'
import { msb, startRegistry, umoci } from './pull-rivals.mjs'

const ROUNDS = Number(process.env['MICROVM_BENCH_ROUNDS'] ?? 5)
const MIB = 1024 * 1024
const onceScript = fileURLToPath(new URL('pull-once.mjs', import.meta.url))

/** @typedef {{ ms: number, peak: number, output: string }} Run */

const cache = cacheDir(process.env)
const layout = await benchImages(cache)
const rivals = [umoci, await msb(cache)]
const dir = await mkdtemp(join(tmpdir(), 'microvm-bench-'))
const registry = await startRegistry(dir, layout, tags)
try {
  await compare()
  await pullWhatIsKnown()
} finally {
  await registry.stop()
  await rm(dir, { recursive: true, force: true })
}

async function compare() {
  /** @type {Run[]} */
  const ours = []
  /** @type {Record<string, Run[]>} */
  const theirs = Object.fromEntries(rivals.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await inEmptyDir((place) => pullOurs(['whole'], place)))
    for (const { name, commands } of rivals) {
      const todo = (/** @type {string} */ place) => commands(registry.reference('whole'), place)
      theirs[name]?.push(await inEmptyDir((place) => runAll(todo(place))))
    }
  }
  const series = Object.entries({ 'MicroVM Desktop': ours, ...theirs })
  console.log('pull into an empty store until it can boot (ms)')
  printFigures(Object.fromEntries(series.map(([name, runs]) => [name, runs.map(({ ms }) => ms)])))
  console.log('peak memory of the process (MiB)')
  const peaks = series.map(([name, runs]) => [name, runs.map(({ peak }) => peak / MIB)])
  printFigures(Object.fromEntries(peaks))
  console.log('longest block of our main thread (ms)')
  printFigures({ 'MicroVM Desktop': ours.map(({ output }) => JSON.parse(output).blocked) })
  const own = median(ours.map(({ ms }) => ms))
  const ratio = (/** @type {string} */ name) =>
    (own / median((theirs[name] ?? []).map(({ ms }) => ms))).toFixed(2)
  console.log(`  ratio to ${umoci.name} ${ratio(umoci.name)} (goal: ≤ 0.20)`)
  console.log(`  ratio to msb pull ${ratio('msb pull')} (goal: ≤ 0.80, hope: 0.60)`)
}

/**
 * The same layers under another config, by a process that does nothing before it and by one that has pulled before,
 * as the app mostly has; then an image that shares nine tenths of its bytes.
 */
async function pullWhatIsKnown() {
  /** @type {number[]} */
  const first = []
  /** @type {number[]} */
  const later = []
  /** @type {number[]} */
  const cousin = []
  /** @type {number[]} */
  const added = []
  for (let round = 0; round < ROUNDS; round++) {
    await inEmptyDir(async (place) => {
      await pullOurs(['whole'], place)
      first.push(tookIn(await pullOurs(['again'], place)))
      later.push(tookIn(await pullOurs(['whole', 'again'], place)))
      const before = await bytesIn(place)
      cousin.push(tookIn(await pullOurs(['cousin'], place)))
      added.push(((await bytesIn(place)) - before) / MIB)
    })
  }
  console.log('pull of an image whose layers are all here, until it can boot (ms; goal: ≤ 100)')
  printFigures({
    'all here, first pull': first,
    'all here, later pull': later,
    'nine tenths here': cousin,
  })
  console.log('disk space that the latter adds (MiB)')
  printFigures({ 'nine tenths here': added })
}

/** @param {(typeof tags)[number][]} wanted one after the other, by one process @param {string} place */
function pullOurs(wanted, place) {
  const references = wanted.map((tag) => registry.reference(tag))
  return run({ program: process.execPath, args: [onceScript, place, ...references] })
}

/** Milliseconds that the last pull of a process took. @param {Run} run @returns {number} */
function tookIn({ output }) {
  return JSON.parse(output).took.at(-1)
}

/** @template T @param {(place: string) => Promise<T>} work */
async function inEmptyDir(work) {
  const place = join(dir, 'place')
  await mkdir(place)
  try {
    return await work(place)
  } finally {
    await rm(place, { recursive: true, force: true })
    // Nobody pays for what the one before has left to write.
    await command('sync', [])
  }
}

/** @param {Parameters<typeof run>[0][]} commands @returns {Promise<Run>} */
async function runAll(commands) {
  const runs = []
  for (const each of commands) runs.push(await run(each))
  return {
    ms: runs.reduce((sum, { ms }) => sum + ms, 0),
    peak: Math.max(...runs.map(({ peak }) => peak)),
    output: '',
  }
}

/** @param {{ program: string, args: string[], env?: NodeJS.ProcessEnv }} what @returns {Promise<Run>} */
async function run({ program, args, env }) {
  const start = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let peak = 0
  const watch = setInterval(() => void peakOf(child.pid).then((now) => (peak = now ?? peak)), 20)
  const ended = new Promise((resolve) => child.once('close', resolve))
  const output = (await child.stdout.setEncoding('utf8').toArray()).join('')
  const code = await ended
  clearInterval(watch)
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}`)
  return { ms: performance.now() - start, peak, output }
}

/** VmHWM, in bytes. @param {number | undefined} pid */
async function peakOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}

/** As the disk has it. @param {string} folder */
async function bytesIn(folder) {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).blocks * 512
  return bytes
}
