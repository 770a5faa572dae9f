// SPDX-License-Identifier: Apache-2.0
// Asks the person at the terminal. The terminal's mode is given back however the question ends.
import { createInterface } from 'node:readline/promises'
import { MicrovmError } from '../../contract/errors'
import type { Terminal } from './session'

const MAX_BYTES = 64 * 1024
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const BACKSPACES = new Set(['\b', '\u007F'])

export async function ask(
  { stdin, stderr }: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    return (await lines.question(question, { signal })).trim()
  } finally {
    lines.close()
  }
}

/** What is typed is not shown. @throws CANCELLED at Ctrl-C */
export async function askHidden(
  { stderr, stdin }: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.resume()
  try {
    return await new Promise<string>((resolve, reject) => {
      const cancel = (): void => reject(new MicrovmError('CANCELLED', 'cancelled'))
      signal.addEventListener('abort', cancel, { once: true })
      let typed = ''
      stdin
        .on('end', () => resolve(typed))
        .on('data', (chunk: Buffer | string) => {
          for (const key of chunk.toString()) {
            if (key === CTRL_C) cancel()
            else if (key === '\r' || key === '\n' || key === CTRL_D) resolve(typed)
            else if (BACKSPACES.has(key)) typed = typed.replace(/.$/su, '')
            else typed += key
          }
        })
    })
  } finally {
    for (const event of ['data', 'end']) stdin.removeAllListeners(event)
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

/** All of standard input. @throws INVALID_ARGUMENT beyond 64 KiB */
export async function readStdin({ stdin }: Terminal): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    bytes += (chunk as Buffer).length
    if (bytes > MAX_BYTES)
      throw new MicrovmError('INVALID_ARGUMENT', 'standard input is too long for a password')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}
