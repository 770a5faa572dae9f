// SPDX-License-Identifier: Apache-2.0
// The guests of the supervision tests: each speaks init's protocol and behaves as its name says, whatever runs it.
import { appendFileSync, existsSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {object} Guest
 * @property {string} dir where the file `behaviour` names one of `behaviours`; notes are left beside it
 * @property {(bytes: string | Uint8Array) => void} say on the control channel
 * @property {(listener: (bytes: Buffer) => void) => void} onCommand what comes from there
 * @property {import('node:stream').Writable} network
 * @property {number} console a descriptor
 * @property {(event: string, data: object) => void} tell what only a VMM knows; one that tells nothing leaves it out
 */

/** @param {Guest} guest */
export function playGuest(guest) {
  const { dir } = guest
  const behaviour = readFileSync(join(dir, 'behaviour'), 'utf8').trim()
  appendFileSync(join(dir, 'boots'), `${process.pid}\n`)
  rmSync(join(dir, 'commands'), { force: true })
  const actions = actionsOf(guest)
  guest.onCommand((data) => {
    appendFileSync(join(dir, 'commands'), data)
    if (String(data).includes('poweroff') && !behaviour.startsWith('deaf'))
      actions.powerOff('runner')
  })
  behaviours(guest, actions)[behaviour]?.()
}

/** @param {Guest} guest */
function actionsOf({ dir, say: write, tell }) {
  /** @param {Record<string, unknown>} event */
  const say = (event) => write(`${JSON.stringify({ uptime: 1, ...event })}\n`)
  return {
    say,
    /** @param {string} reason @param {string} [cause] */
    powerOff(reason, cause = 'guest-reset') {
      say({ event: 'shutdown', reason })
      tell('SHUTDOWN', { guest: true, reason: cause })
      setTimeout(() => process.exit(0), 20)
    },
    /** As soon as the test makes the file `now`. @param {() => void} act */
    whenTold(act) {
      const timer = setInterval(() => {
        if (!existsSync(join(dir, 'now'))) return
        clearInterval(timer)
        act()
      }, 10)
    },
    boot() {
      say({ event: 'hello', protocol: 1 })
      for (const event of ['mounted', 'network-up', 'sshd-ready']) say({ event })
      say({ event: 'entrypoint-started', pid: 2 })
    },
  }
}

const fullDisk = { action: 'stop', nospace: true, reason: 'No space left on device' }
const brokenDisk = { action: 'stop', nospace: false, reason: 'Input/output error' }

/**
 * @param {Guest} guest
 * @param {ReturnType<typeof actionsOf>} actions
 * @returns {Record<string, () => void>}
 */
function behaviours(guest, { say, powerOff, whenTold, boot }) {
  return {
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
      writeSync(guest.console, 'Kernel panic - not syncing: out of luck\n')
      guest.tell('SHUTDOWN', { guest: true, reason: 'guest-reset' })
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
    'gives up at once': () => {
      writeSync(guest.console, 'Giving up.\n')
      say({ event: 'fatal', message: 'no disk' })
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
      const boots = readFileSync(join(guest.dir, 'boots'), 'utf8').trim().split('\n').length
      if (boots === 1) setTimeout(() => powerOff('reboot'), 50)
    },
    'talks nonsense': () => {
      guest.say(Buffer.alloc(100_000, 'x'))
      guest.say('\n\u0000\n{"event":"sshd-ready"}\n')
      boot()
      guest.say('{"event":"exited","uptime":1,"code":"3"}\n')
    },
    'sends a giant frame': () => {
      boot()
      setTimeout(() => guest.network.write(Buffer.from([0, 1, 0, 0, 1, 2, 3])), 100)
    },
    'fills the disk': () => {
      boot()
      whenTold(() => guest.tell('BLOCK_IO_ERROR', fullDisk))
    },
    'has a broken disk': () => {
      boot()
      whenTold(() => guest.tell('BLOCK_IO_ERROR', brokenDisk))
    },
  }
}
