// SPDX-License-Identifier: Apache-2.0
// A terminal, or pipes, in place of the process's own.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import type { Terminal } from '../../../../src/main/cli/session'

class FakeTerminal extends EventEmitter {
  readonly env: NodeJS.ProcessEnv = { TERM: 'xterm' }
  readonly stdin = Object.assign(new PassThrough(), {
    isTTY: false,
    raw: false,
    setRawMode(raw: boolean) {
      this.raw = raw
    },
  })
  readonly stdout = Object.assign(new PassThrough(), { isTTY: false, columns: 80, rows: 24 })
  readonly stderr = Object.assign(new PassThrough(), { isTTY: false, columns: 80 })
  out = ''
  err = ''

  constructor(interactive: boolean) {
    super()
    this.stdin.isTTY = this.stdout.isTTY = this.stderr.isTTY = interactive
    this.stdout.on('data', (chunk: Buffer) => (this.out += chunk.toString()))
    this.stderr.on('data', (chunk: Buffer) => (this.err += chunk.toString()))
  }
}

export function fakeTerminal({ interactive = false } = {}): Terminal & FakeTerminal {
  return new FakeTerminal(interactive) as unknown as Terminal & FakeTerminal
}
