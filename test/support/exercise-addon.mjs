// SPDX-License-Identifier: Apache-2.0
// Calls everything the addon has, rightly and wrongly: exercise-addon.mjs ADDON LIBRARY. Prints what came of it as
// JSON. For a run under sanitizers, which end it at the first byte that is touched wrongly.
import { openSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'

const [, , addon = '', library = ''] = process.argv
const { Libkrun, openTerminal, duplicate, redirect } = createRequire(import.meta.url)(addon)

/** @param {() => unknown} work */
function outcomeOf(work) {
  try {
    return work() ?? null
  } catch (error) {
    return String(error)
  }
}

const krun = new Libkrun(['/nowhere/libkrun.so', library])
const mac = new Uint8Array(6)
const long = 'x'.repeat(100_000)
/** @type {Record<string, unknown[]>} */
const right = {
  setLogLevel: [1],
  createContext: [],
  setVmConfig: [0, 255, 4294967295],
  setRoot: [0, `/${long}`],
  addDisk3: [0, 'vm', '/ä€𝄞', 2, true, false, 2],
  setRootDiskRemount: [0, '/dev/vda', null, null],
  addVirtiofs: [0, '', '/'],
  addVirtiofs3: [0, 'tag', '/', 2 ** 53, true],
  addNetUnixstream: [0, null, 2147483647, mac, 0, 0],
  setPasstFd: [0, 1],
  setNetMac: [0, mac.subarray(0)],
  disableImplicitConsole: [0],
  addVirtioConsoleMultiport: [0],
  addConsolePortTty: [0, 0, '', 0],
  addConsolePortInout: [0, 0, 'name', -1, -2147483648],
  disableImplicitVsock: [0],
  disableImplicitInit: [0],
  setKernel: [0, '/kernel', 1, null, long],
  setWorkdir: [0, '/'],
  setExec: [0, '/init', [], Array.from({ length: 1000 }, (_, at) => `V${at}=${long.slice(0, 99)}`)],
  setRlimits: [0, ['RLIMIT_NOFILE=1:2']],
  setUid: [0, 4294967295],
  setGid: [0, 0],
  getShutdownEventfd: [0],
  hasFeature: [1],
  getMaxVcpus: [],
  freeContext: [0],
  startEnter: [0],
}
const wrong = [
  undefined,
  null,
  NaN,
  -1,
  1.5,
  2 ** 64,
  'a\0b',
  '\ud800',
  {},
  [1],
  mac.subarray(1),
  1n,
]

const calls = Object.entries(right).map(([method, args]) => [
  method,
  outcomeOf(() => krun[method](...args)),
])
const refused = Object.entries(right).flatMap(([method, args]) => [
  outcomeOf(() => krun[method](...args, 0)),
  ...args.flatMap((_, at) =>
    wrong.map((value) => outcomeOf(() => krun[method](...args.with(at, value)))),
  ),
])
const terminal = openTerminal(openSync('/dev/ptmx', 'r+'))
const copy = duplicate(terminal.fd)
redirect(copy, copy)
const others = {
  noLibrary: outcomeOf(() => new Libkrun([])),
  notConstructed: outcomeOf(() => Libkrun([library])),
  strangeThis: outcomeOf(() => krun.createContext.call({})),
  unknown: outcomeOf(() => krun.has('nonsense')),
  noTerminal: outcomeOf(() => openTerminal(-1)),
  noDescriptor: outcomeOf(() => redirect(-1, 0)),
  written: writeSync(copy, 'x'),
}
console.log(JSON.stringify({ path: krun.path, calls: Object.fromEntries(calls), refused, others }))
