// SPDX-License-Identifier: Apache-2.0
// The one error class. Everything thrown on purpose in this project is a MicrovmError:
// a literal code for programs, a message for people, a hint they can act on.
import { z } from 'zod'

export const errorCodes = [
  'INTERNAL', // a bug of ours, or a failure nobody foresaw
  'CANCELLED', // the user or a caller aborted
  'INVALID_ARGUMENT', // input refused by a schema or a limit
  'NOT_FOUND', // no machine, image or file of that name
  'ALREADY_EXISTS',
  'CONFLICT', // not possible in the present state (start a running machine, delete an image in use)
  'REFERENCE_INVALID', // not an image reference
  'REGISTRY_UNREACHABLE', // no answer: DNS, refused, timeout
  'REGISTRY_DENIED', // 401, 403
  'REGISTRY_ERROR', // any other answer that is no success
  'IMAGE_NOT_FOUND', // the registry or the disk has no such image
  'IMAGE_PLATFORM', // the image exists, for other architectures only
  'IMAGE_INVALID', // broken or hostile image content
  'IMAGE_TOO_LARGE', // beyond a cap
  'DIGEST_MISMATCH',
  'DISK_FULL', // ENOSPC or EDQUOT on the host
  'PERMISSION_DENIED', // EACCES or EPERM on the host
  'STATE_CORRUPT', // a file of ours cannot be read; it has been set aside
  'STATE_VERSION', // written by a newer version of the app
  'PREFLIGHT_FAILED', // something the host must have is missing
  'PORT_IN_USE',
  'RUNNER_FAILED', // the runner process did not start or answer
  'HYPERVISOR_FAILED', // the VMM did not start or died
  'NETWORK_FAILED', // gvproxy did not start or died
  'GUEST_BOOT_FAILED', // the VMM ran, but the guest's init did not come up
  'ENTRYPOINT_FAILED', // the image's command is missing or cannot be executed
  'SSH_FAILED', // no connection, or the guest's host key is not the pinned one
  'TIMEOUT',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** An error as it crosses a process boundary (IPC, runner RPC, CLI `--json`). Never carries a stack. */
export const wireErrorSchema = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  hint: z.string().optional(),
})
export type WireError = z.infer<typeof wireErrorSchema>

export class MicrovmError extends Error {
  override readonly name = 'MicrovmError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }

  /** The same error seen from one stage further out: "pull starter: layer 3: …". Code and hint stay. */
  static inContext(context: string, error: unknown): MicrovmError {
    const inner = MicrovmError.from(error)
    return new MicrovmError(inner.code, `${context}: ${inner.message}`, {
      ...(inner.hint === undefined ? {} : { hint: inner.hint }),
      cause: error,
    })
  }

  /** Any thrown value as a MicrovmError; well-known system errors get their own code and hint. */
  static from(error: unknown): MicrovmError {
    if (error instanceof MicrovmError) return error
    if (!(error instanceof Error)) return new MicrovmError('INTERNAL', String(error))
    if (error.name === 'AbortError')
      return new MicrovmError('CANCELLED', 'cancelled', { cause: error })
    const known = systemErrors[(error as NodeJS.ErrnoException).code ?? '']
    return new MicrovmError(known?.code ?? 'INTERNAL', error.message, {
      ...(known === undefined ? {} : { hint: known.hint }),
      cause: error,
    })
  }

  static fromWire(wire: WireError): MicrovmError {
    return new MicrovmError(
      wire.code,
      wire.message,
      wire.hint === undefined ? {} : { hint: wire.hint },
    )
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    }
  }
}

const diskFull = {
  code: 'DISK_FULL',
  hint: 'Free some space on the disk that holds the data directory, then try again.',
} as const
const denied = {
  code: 'PERMISSION_DENIED',
  hint: 'Check who owns the file or folder named in the message.',
} as const
const systemErrors: Partial<Record<string, { code: ErrorCode; hint: string }>> = {
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EACCES: denied,
  EPERM: denied,
}
