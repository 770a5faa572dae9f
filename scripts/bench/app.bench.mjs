// SPDX-License-Identifier: Apache-2.0
// What the app costs: from its start to a usable window, and the memory of app, runner and gvproxy while one machine
// idles. Memory is the proportional set size: shared pages are counted once.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inProject } from '../setup/paths.mjs'
import { electronCommand } from '../window/electron-command.mjs'
import { openVirtualDisplay } from '../window/virtual-display.mjs'
import { printFigures } from './figures.mjs'

const ROUNDS = 5
const SETTLE_MS = 5000

const { _electron } = await import('playwright-core')
const dataDir = await mkdtemp(join(tmpdir(), 'microvm-bench-'))
const display = await openVirtualDisplay({ size: '1440x900' })
const env = /** @type {Record<string, string>} */ ({
  ...process.env,
  ...display.env,
  MICROVM_DATA_DIR: dataDir,
})
try {
  microvm('run', '--detach', '--name', 'idle', 'starter')
  const starts = []
  for (let round = 0; round < ROUNDS; round++) {
    const { app, milliseconds } = await open()
    starts.push(milliseconds)
    if (round === ROUNDS - 1) await printMemory(app.process().pid ?? 0)
    await app.close()
  }
  console.log('app start → window usable (ms)')
  printFigures({ 'MicroVM Desktop': starts })
} finally {
  microvm('rm', '--force', 'idle')
  await display.close()
  await rm(dataDir, { recursive: true, force: true })
}

async function open() {
  const { executable, args } = await electronCommand({ virtual: true, env })
  const start = performance.now()
  const app = await _electron.launch({ executablePath: executable, args, env })
  const window = await app.firstWindow()
  await window.waitForSelector('html[data-ready]', { state: 'attached' })
  return { app, milliseconds: performance.now() - start }
}

/** @param {number} appPid */
async function printMemory(appPid) {
  await sleep(SETTLE_MS)
  const processes = await listProcesses()
  /** @param {number} pid @returns {number[]} */
  const family = (pid) => [
    pid,
    ...processes.filter(({ parent }) => parent === pid).flatMap((child) => family(child.pid)),
  ]
  const named = (/** @type {string} */ text) =>
    processes.filter(({ line }) => line.includes(text) && line.includes(dataDir))
  console.log('idle memory with one machine running (MiB, proportional set size)')
  const rows = {
    'app, all processes': family(appPid),
    runner: named('runner.js').map(({ pid }) => pid),
    gvproxy: named('gvproxy')
      .filter(({ line }) => !line.includes('runner.js'))
      .map(({ pid }) => pid),
  }
  for (const [name, pids] of Object.entries(rows)) {
    const sizes = await Promise.all(pids.map(memoryKib))
    const mib = sizes.reduce((sum, size) => sum + size, 0) / 1024
    console.log(`  ${name.padEnd(20)} ${mib.toFixed(0).padStart(5)}   (${pids.length} processes)`)
  }
}

async function listProcesses() {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return { pid, parent, line: line.replaceAll('\0', ' ') }
    }),
  )
  return all.filter(({ parent }) => Number.isFinite(parent))
}

/** @param {number} pid */
async function memoryKib(pid) {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0)
}

/** @param {...string} args */
function microvm(...args) {
  const { status } = spawnSync(process.execPath, [inProject('out/main/cli.js'), ...args], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error(`microvm ${args.join(' ')} failed`)
}
