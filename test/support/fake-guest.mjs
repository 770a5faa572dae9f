// SPDX-License-Identifier: Apache-2.0
// The guest of the recording libkrun (test/native/recording-libkrun.cc), which becomes this process:
// fake-guest.mjs FOLDER CONSOLE CONTROL-IN CONTROL-OUT NETWORK, the last four as descriptors.
import { Socket } from 'node:net'
import { playGuest } from './guest-behaviours.mjs'

const [, , dir = '', ...rest] = process.argv
const [console = 0, controlIn = 0, controlOut = 0, networkFd = 0] = rest.map(Number)
const incoming = new Socket({ fd: controlIn })
const outgoing = controlOut === controlIn ? incoming : new Socket({ fd: controlOut })
const network = new Socket({ fd: networkFd })
for (const socket of [incoming, outgoing, network]) socket.on('error', () => undefined)

playGuest({
  dir,
  say: (bytes) => void outgoing.write(bytes),
  onCommand: (listener) => void incoming.on('data', listener),
  network,
  console,
  // libkrun tells nothing of its guest but that it has ended.
  tell: () => undefined,
})
