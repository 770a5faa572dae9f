// SPDX-License-Identifier: Apache-2.0
// Loaded before a process' own code (node --import): kills the process, as kill -9 does, at the
// CRASH_AT-th change that it is about to make to its files, on whatever thread. A write is then torn: half of
// it is done. Syncing is no change: whoever is killed before it leaves what is left by one killed after it.
// Without CRASH_AT nothing is done.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

const crashAt = Number(process.env['CRASH_AT'] ?? 0)
const KEY = 'changes-of-files'
if (isMainThread) setEnvironmentData(KEY, new SharedArrayBuffer(4))
const changes = new Int32Array(/** @type {SharedArrayBuffer} */ (getEnvironmentData(KEY)))

/** @param {() => void} tear what is done of the change before the end */
function mayDie(tear) {
  if (Atomics.add(changes, 0, 1) + 1 !== crashAt) return
  tear()
  process.kill(process.pid, 'SIGKILL')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/**
 * @param {any} owner
 * @param {string} name of a function of it
 * @param {(self: any, args: any[]) => void} before
 */
function wrap(owner, name, before) {
  const original = owner[name]
  if (original === undefined) return
  /** @this {any} @param {any[]} args */
  function wrapped(...args) {
    before(this, args)
    return original.apply(this, args)
  }
  // With the mark that tells promisify what the callback gets.
  Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original))
  owner[name] = wrapped
}

/** @param {number} fd @param {any[]} args of write, after the file */
function tearWrite(fd, [buffer, offset, length, position]) {
  if (!(buffer instanceof Uint8Array)) return
  const from = typeof offset === 'number' ? offset : 0
  const bytes = typeof length === 'number' ? length : buffer.byteLength - from
  fs.writeSync(fd, buffer, from, bytes >> 1, typeof position === 'number' ? position : null)
}

if (crashAt > 0) {
  const { opendirSync, rmSync } = fs
  const whole = () => undefined
  /** The first thing in a folder that is removed as a whole. @param {any} path */
  const tearRemoval = (path) => {
    if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    const folder = opendirSync(path)
    const first = folder.readSync()
    folder.closeSync()
    if (first) rmSync(`${path}/${first.name}`, { recursive: true })
  }
  const handle = await fs.promises.open(process.execPath)
  const handles = Object.getPrototypeOf(handle)
  await handle.close()

  for (const suffix of ['', 'Sync']) {
    wrap(fs, `write${suffix}`, (_, [fd, ...rest]) => mayDie(() => tearWrite(fd, rest)))
    wrap(fs, `writev${suffix}`, (_, [fd, list]) => mayDie(() => tearWrite(fd, [list[0]])))
  }
  wrap(handles, 'write', (self, args) => mayDie(() => tearWrite(self.fd, args)))
  wrap(handles, 'writeFile', (self, [data]) =>
    mayDie(() => tearWrite(self.fd, [Buffer.from(data)])),
  )
  for (const name of ['truncate', 'chmod']) wrap(handles, name, () => mayDie(whole))
  for (const owner of [fs, fs.promises]) {
    for (const name of ['rename', 'unlink', 'rmdir', 'mkdir', 'truncate', 'ftruncate', 'copyFile'])
      for (const suffix of ['', 'Sync']) wrap(owner, name + suffix, () => mayDie(whole))
    for (const name of ['rm', 'rmSync'])
      wrap(owner, name, (_, [path]) => mayDie(() => tearRemoval(path)))
    for (const name of ['open', 'openSync'])
      wrap(owner, name, (_, [, flags]) => {
        if (String(flags).includes('w')) mayDie(whole)
      })
  }
  syncBuiltinESMExports()
}
