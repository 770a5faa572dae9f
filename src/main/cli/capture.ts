// SPDX-License-Identifier: Apache-2.0
// Runs a command in a guest and keeps what it says, for --json.
import type { Readable } from 'node:stream'
import { MicrovmError } from '../../contract/errors'
import type { GuestConnection } from '../ssh/guest-connection'

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** @throws INVALID_ARGUMENT when there is more output than a JSON document should hold (16 MiB) */
export async function captureProcess(
  connection: GuestConnection,
  command: string | undefined,
  stdin: Readable & { readonly isTTY?: boolean },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const guest = await connection.exec(command)
  guest.stdin.on('error', () => undefined)
  // Nobody types into a command whose output is kept.
  if (stdin.isTTY === true) guest.stdin.end()
  else stdin.pipe(guest.stdin)
  try {
    const [code, stdout, stderr] = await Promise.all([
      guest.exited,
      readBounded(guest.stdout),
      readBounded(guest.stderr),
    ])
    return { code, stdout, stderr }
  } finally {
    stdin.unpipe(guest.stdin)
    stdin.pause()
    guest.kill()
  }
}

async function readBounded(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_OUTPUT_BYTES) {
      throw new MicrovmError('INVALID_ARGUMENT', 'the command printed more than 16 MiB', {
        hint: 'Run it without --json.',
      })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
