// SPDX-License-Identifier: Apache-2.0
// A response's body as a whole, with a bound.
import { MicrovmError } from '../../contract/errors'
import type { HttpResponse } from './registry/registry-http'

/** @throws IMAGE_TOO_LARGE beyond `max` bytes, and as the body does */
export async function readAll({ body }: Pick<HttpResponse, 'body'>, max: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > max)
      throw new MicrovmError('IMAGE_TOO_LARGE', `an answer of more than ${max} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
