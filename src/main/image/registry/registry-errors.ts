// SPDX-License-Identifier: Apache-2.0
// Failures of talking to a registry, in words for people.
import { MicrovmError } from '../../../contract/errors'
import { Retryable } from './retry'

/** What people read instead of errno names, and of undici's. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: nothing serves there',
  ECONNRESET: 'broke the connection off',
  EPIPE: 'broke the connection off',
  UND_ERR_SOCKET: 'broke the connection off',
  EHOSTUNREACH: 'is unreachable: there is no route to it',
  ENETUNREACH: 'is unreachable: this computer has no route to its network',
  ENOTFOUND: 'is not found: no name server knows this name',
  EAI_AGAIN: 'is not found: the name server does not answer',
  ETIMEDOUT: 'does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'took the request but does not answer',
  UND_ERR_BODY_TIMEOUT: 'stopped sending',
}

/** An error of the network while talking to `url`, as the one to throw. */
export function networkError(url: URL, error: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new MicrovmError('CANCELLED', 'cancelled', { cause: error })
  if (error instanceof MicrovmError || error instanceof Retryable) return error
  const { code = '', message } = firstOf(error)
  const unreachable = (hint: string): MicrovmError =>
    new MicrovmError(
      'REGISTRY_UNREACHABLE',
      `${url.host} ${reasons[code] ?? `is unreachable: ${message}`}`,
      { hint, cause: error },
    )
  if (/^(?:CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
    return unreachable(
      'The server’s certificate is not one this computer trusts. If it should be, name its issuer’s file in NODE_EXTRA_CA_CERTS.',
    )
  if (/^(?:EPROTO|ERR_SSL_)/.test(code))
    return unreachable(
      'The server does not speak HTTPS. Plain HTTP is used for this computer only, or on request: --plain-http.',
    )
  if (/proxy/i.test(message))
    return unreachable('The proxy does not let us through. Check HTTPS_PROXY and HTTP_PROXY.')
  return new Retryable(
    unreachable('Check the name of the registry and this computer’s network connection.'),
  )
}

/** Where a name has several addresses, the error of the first one tried. */
function firstOf(error: unknown): NodeJS.ErrnoException {
  return error instanceof AggregateError && error.errors.length > 0
    ? (error.errors[0] as NodeJS.ErrnoException)
    : (error as NodeJS.ErrnoException)
}

export const tooSlow = (url: URL, seconds: number): Retryable =>
  new Retryable(
    new MicrovmError(
      'REGISTRY_UNREACHABLE',
      `${url.host} sent next to nothing for ${Math.round(seconds)} seconds`,
      { hint: 'Try again later, or check this computer’s network connection.' },
    ),
  )

export const busy = (url: URL, status: number): MicrovmError =>
  new MicrovmError('REGISTRY_ERROR', `${url.host} answers with status ${status}`, {
    hint:
      status === 429
        ? 'The registry limits how often it may be asked. Try again later, or sign in: microvm login.'
        : 'The registry has a problem of its own. Try again later.',
  })

/** @param why what is known beyond that, as a sentence */
export function denied(url: URL, why?: string): MicrovmError {
  const usual =
    'Check the name: many registries say this of an image that does not exist. For a private image sign in: microvm login, or Settings.'
  return new MicrovmError('REGISTRY_DENIED', `${url.host} does not let you read this image`, {
    hint: why ?? usual,
  })
}
