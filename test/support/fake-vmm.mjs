#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Stands in for a VMM with a guest: takes QEMU's arguments, speaks QMP and init's protocol on the
// inherited descriptors, and behaves as the file `behaviour` beside the VM's disk says.
import { appendFileSync, existsSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'

const disks = process.argv.filter((arg) => arg.startsWith('{"node-name"'))
const vmDisk = disks.map((arg) => JSON.parse(arg)).find((disk) => disk['node-name'] === 'vm')
const dir = dirname(vmDisk.file.filename)
const behaviour = readFileSync(join(dir, 'behaviour'), 'utf8').trim()
appendFileSync(join(dir, 'boots'), `${process.pid}\n`)

const CONSOLE = 3
const control = new Socket({ fd: 4 })
const network = new Socket({ fd: 5 })
const qmp = new Socket({ fd: 6 })
for (const socket of [control, network, qmp]) socket.on('error', () => undefined)

/** @param {Record<string, unknown>} event */
const say = (event) => control.write(`${JSON.stringify({ uptime: 1, ...event })}\n`)
/** @param {string} event @param {object} data */
const tell = (event, data) => qmp.write(`${JSON.stringify({ event, data })}\r\n`)
/** @param {string} reason @param {string} [cause] */
function powerOff(reason, cause = 'guest-reset') {
  say({ event: 'shutdown', reason })
  tell('SHUTDOWN', { guest: true, reason: cause })
  setTimeout(() => process.exit(0), 20)
}
/** As soon as the test makes the file `now`. @param {() => void} act */
function whenTold(act) {
  const timer = setInterval(() => {
    if (!existsSync(join(dir, 'now'))) return
    clearInterval(timer)
    act()
  }, 10)
}
function boot() {
  say({ event: 'hello', protocol: 1 })
  for (const event of ['mounted', 'network-up', 'sshd-ready']) say({ event })
  say({ event: 'entrypoint-started', pid: 2 })
}

qmp.write('{"QMP":{"version":{},"capabilities":[]}}\r\n')
qmp.on('data', (data) => {
  for (const line of String(data).trim().split('\n')) {
    const { execute, id } = JSON.parse(line)
    qmp.write(`${JSON.stringify({ return: {}, id })}\r\n`)
    if (execute === 'cont') appendFileSync(join(dir, 'resumed'), 'x')
  }
})
control.on('data', (data) => {
  appendFileSync(join(dir, 'commands'), data)
  if (String(data).includes('poweroff') && !behaviour.startsWith('deaf')) powerOff('runner')
})

const fullDisk = { action: 'stop', nospace: true, reason: 'No space left on device' }
/** @type {Record<string, () => void>} */
const behaviours = {
  boots: boot,
  'deaf guest': boot,
  'deaf to all': () => {
    process.on('SIGTERM', () => undefined)
    boot()
  },
  'says nothing': () => undefined,
  'cannot start': () => {
    writeSync(2, 'cannot set up guest memory\n')
    process.exit(1)
  },
  'resets at once': () => {
    writeSync(CONSOLE, 'Kernel panic - not syncing: out of luck\n')
    tell('SHUTDOWN', { guest: true, reason: 'guest-reset' })
    setTimeout(() => process.exit(0), 20)
  },
  'crashes later': () => {
    boot()
    setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 100)
  },
  'gives up': () => {
    say({ event: 'hello', protocol: 1 })
    say({ event: 'fatal', message: 'no /dev/vdb\u001b[2J' })
    powerOff('fatal')
  },
  'entrypoint exits 0': () => {
    boot()
    say({ event: 'exited', code: 0 })
    powerOff('entrypoint')
  },
  'entrypoint exits 3': () => {
    boot()
    say({ event: 'exited', code: 3 })
    powerOff('entrypoint')
  },
  'entrypoint missing': () => {
    boot()
    say({ event: 'entrypoint-failed', code: 127, message: '/bin/nope: not found' })
    powerOff('entrypoint')
  },
  'reboots once': () => {
    boot()
    const boots = readFileSync(join(dir, 'boots'), 'utf8').trim().split('\n').length
    if (boots === 1) setTimeout(() => powerOff('reboot'), 50)
  },
  'talks nonsense': () => {
    control.write(Buffer.alloc(100_000, 'x'))
    control.write('\n\u0000\n{"event":"sshd-ready"}\n')
    boot()
    control.write('{"event":"exited","uptime":1,"code":"3"}\n')
  },
  'sends a giant frame': () => {
    boot()
    setTimeout(() => network.write(Buffer.from([0, 1, 0, 0, 1, 2, 3])), 100)
  },
  'fills the disk': () => {
    boot()
    whenTold(() => tell('BLOCK_IO_ERROR', fullDisk))
  },
  'has a broken disk': () => {
    boot()
    const data = { action: 'stop', nospace: false, reason: 'Input/output error' }
    whenTold(() => tell('BLOCK_IO_ERROR', data))
  },
}
rmSync(join(dir, 'commands'), { force: true })
behaviours[behaviour]?.()
