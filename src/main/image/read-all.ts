// SPDX-License-Identifier: Apache-2.0
// A response's body as a whole, with a bound.
import type { Readable } from 'node:stream'
import { MicrovmError } from '../../contract/errors'
import { networkError } from './registry-http'

/** @throws IMAGE_TOO_LARGE beyond `max` bytes; Retryable if the connection breaks; CANCELLED */
export async function readAll(
  body: Readable,
  max: number,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > max)
        throw new MicrovmError('IMAGE_TOO_LARGE', `${url.host} sends more than ${max} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw networkError(url, error, signal)
  }
  return Buffer.concat(chunks)
}
