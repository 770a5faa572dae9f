#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Stands in for QEMU with a guest: takes QEMU's arguments, speaks QMP and init's protocol on the inherited
// descriptors, and behaves as the file `behaviour` beside the VM's disk says.
import { appendFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { playGuest } from './guest-behaviours.mjs'

const disks = process.argv.filter((arg) => arg.startsWith('{"node-name"'))
const vmDisk = disks.map((arg) => JSON.parse(arg)).find((disk) => disk['node-name'] === 'vm')
const dir = dirname(vmDisk.file.filename)

const CONSOLE = 3
const control = new Socket({ fd: 4 })
const network = new Socket({ fd: 5 })
const qmp = new Socket({ fd: 6 })
for (const socket of [control, network, qmp]) socket.on('error', () => undefined)

qmp.write('{"QMP":{"version":{},"capabilities":[]}}\r\n')
qmp.on('data', (data) => {
  for (const line of String(data).trim().split('\n')) {
    const { execute, id } = JSON.parse(line)
    qmp.write(`${JSON.stringify({ return: {}, id })}\r\n`)
    if (execute === 'cont') appendFileSync(join(dir, 'resumed'), 'x')
  }
})
playGuest({
  dir,
  say: (bytes) => void control.write(bytes),
  onCommand: (listener) => void control.on('data', listener),
  network,
  console: CONSOLE,
  tell: (event, data) => void qmp.write(`${JSON.stringify({ event, data })}\r\n`),
})
