// SPDX-License-Identifier: Apache-2.0
// QEMU's control protocol (QMP: one JSON object per line): commands with their answers, and events.
// A guest may have broken into QEMU, so what comes from it is bounded and checked like a guest's.
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { MicrovmError } from '../../src/contract/errors'
import { LineSplitter } from './line-splitter'

const MAX_LINE_BYTES = 256 * 1024

const messageSchema = z.union([
  z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) }),
  z.object({ id: z.number(), return: z.unknown() }),
  z.object({ id: z.number(), error: z.object({ desc: z.string() }) }),
  z.object({ QMP: z.unknown() }),
])

export interface QmpEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export class Qmp {
  /** Resolves once QEMU has greeted and taken our first command; rejects if it ends before that. */
  readonly ready: Promise<void>
  readonly #stream: Duplex
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  #nextId = 1
  #closed = false

  constructor(stream: Duplex, onEvent: (event: QmpEvent) => void) {
    this.#stream = stream
    const lines = new LineSplitter(MAX_LINE_BYTES, (line) => this.#receive(line, onEvent))
    stream.on('data', (chunk: Buffer) => lines.push(chunk))
    stream.on('close', () => this.#close())
    // The greeting need not be waited for: QEMU reads its input when it is ready to.
    this.ready = this.execute('qmp_capabilities').then(() => undefined)
    this.ready.catch(() => undefined)
  }

  /** @throws HYPERVISOR_FAILED if QEMU refuses or ends before it has answered */
  execute(command: string, args?: object): Promise<unknown> {
    if (this.#closed) return Promise.reject(ended(command))
    const id = this.#nextId++
    const message = { execute: command, ...(args ? { arguments: args } : {}), id }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#stream.write(`${JSON.stringify(message)}\n`)
    })
  }

  #receive(line: string, onEvent: (event: QmpEvent) => void): void {
    const message = messageSchema.safeParse(parseJson(line))
    if (!message.success) return
    if ('event' in message.data) return onEvent(message.data)
    if (!('id' in message.data)) return
    const waiting = this.#waiting.get(message.data.id)
    this.#waiting.delete(message.data.id)
    if ('error' in message.data)
      waiting?.reject(new MicrovmError('HYPERVISOR_FAILED', `QEMU: ${message.data.error.desc}`))
    else waiting?.resolve(message.data.return)
  }

  #close(): void {
    this.#closed = true
    for (const { reject } of this.#waiting.values()) reject(ended('a command'))
    this.#waiting.clear()
  }
}

const ended = (command: string): MicrovmError =>
  new MicrovmError('HYPERVISOR_FAILED', `QEMU ended before it answered ${command}`)

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
