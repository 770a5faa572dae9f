// SPDX-License-Identifier: Apache-2.0
// From "start" to the first command answered in the guest: our engine against the bare minimum, which is
// the same QEMU command line on the same disks, gvproxy, and an SSH client that knocks until it is let in. The two
// alternate in one run, and the ratio is taken of the medians.
import { readFile, readdir, rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bareLaunch } from './bare-launch.mjs'
import { median, printFigures } from './figures.mjs'

const ROUNDS = 5

/** The built engine, by an address the compiler does not follow: it has the types of the sources. */
const built = new URL('../../out/main/engine.js', import.meta.url).href
/** @type {typeof import('../../src/main/engine')} */
const { createEngine } = await import(built)

const dataDir = await mkdtemp(join(tmpdir(), 'microvm-bench-'))
const engine = await createEngine({ dataDir, env: process.env })
try {
  const { id } = await engine.machines.create({ name: 'bench', image: 'starter' })
  // The first start makes the image's disk and the machine's, which is not what is measured here.
  const { bare, waterfall: first } = await rehearse(id)
  const ours = []
  const theirs = []
  let waterfall = first
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await timed(() => launch(id)))
    waterfall = (await engine.machines.get(id)).state.timeline
    await engine.machines.stop(id)
    theirs.push(await bareLaunch(bare))
  }
  console.log('launch → first command answered (ms)')
  printFigures({ 'MicroVM Desktop': ours, 'bare QEMU + gvproxy + ssh2': theirs })
  console.log(`  ratio of medians ${(median(ours) / median(theirs)).toFixed(2)} (goal: ≤ 1.25)`)
  console.log(
    `  waterfall: ${waterfall.map(({ name, at }) => `${name} ${Math.round(at)}`).join(' · ')}`,
  )
} finally {
  for (const { id } of await engine.machines.list()) await engine.machines.remove(id)
  await engine.close()
  await rm(dataDir, { recursive: true, force: true })
}

/** @param {string} id */
async function launch(id) {
  await engine.machines.start(id)
  const connection = await engine.machines.connect(id)
  const { exited, stdout } = await connection.exec('true')
  stdout.resume()
  if ((await exited) !== 0) throw new Error('the guest’s `true` failed')
  connection.close()
}

/** @param {() => Promise<void>} work @returns {Promise<number>} milliseconds */
async function timed(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** One launch to learn what QEMU is started with. @param {string} id */
async function rehearse(id) {
  await launch(id)
  const { timeline } = (await engine.machines.get(id)).state
  const vmDir = join(dataDir, 'vms', id)
  const config = JSON.parse(await readFile(join(vmDir, 'runner.json'), 'utf8'))
  const commandLine = await commandLineOf(config.vmm.executable, vmDir)
  const key = await readFile(join(vmDir, 'keys', 'id_ecdsa'), 'utf8')
  const bare = { commandLine, gvproxy: config.gvproxy, key, vmDir }
  await engine.machines.stop(id)
  return { bare, waterfall: timeline }
}

/** @param {string} program @param {string} mention */
async function commandLineOf(program, mention) {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const words = text.split('\0').slice(0, -1)
    if (words[0] === program && text.includes(mention)) return words
  }
  throw new Error(`no running ${program} mentions ${mention}`)
}
