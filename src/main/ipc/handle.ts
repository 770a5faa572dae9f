// SPDX-License-Identifier: Apache-2.0
// The one door from the window into the app. Every call is checked here before anything runs:
// who sent it, whether it exists, whether its arguments fit the contract. Results and errors leave
// as values (IpcReply). Handlers hold no checks of their own against malformed input, and no Electron.
import type { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import {
  ipcCalls,
  type IpcCall,
  type IpcParsedArgs,
  type IpcReply,
  type IpcResult,
} from '../../contract/ipc'
import type { Logger } from '../lib/logger'

/** One function per call of the contract. */
export type IpcHandlers = {
  readonly [C in IpcCall]: (args: IpcParsedArgs<C>) => IpcResult<C> | Promise<IpcResult<C>>
}

export interface CallDeps<Origin> {
  readonly handlers: IpcHandlers
  isTrusted(origin: Origin): boolean
  readonly logger: Logger
}

/** The function for `ipcMain.handle`. It never rejects. Logs name, code and time of a failed call, never its arguments. */
export function createCallHandler<Origin>(
  deps: CallDeps<Origin>,
): (origin: Origin, name: unknown, args: unknown) => Promise<IpcReply<unknown>> {
  return async (origin, name, args) => {
    try {
      if (!deps.isTrusted(origin))
        throw new MicrovmError('PERMISSION_DENIED', 'only the app’s own window may call')
      if (!isCall(name)) throw new MicrovmError('INVALID_ARGUMENT', 'no such call')
      const parsed = parseArgs(name, args)
      // The table is typed per call; here the name is any of them.
      const handler = deps.handlers[name] as (args: unknown) => unknown
      return { ok: true, value: await handler(parsed) }
    } catch (error) {
      return { ok: false, error: describe(error, isCall(name) ? name : 'unknown', deps.logger) }
    }
  }
}

function isCall(name: unknown): name is IpcCall {
  return typeof name === 'string' && Object.hasOwn(ipcCalls, name)
}

function parseArgs(name: IpcCall, args: unknown): unknown {
  const result = (ipcCalls[name].args as z.ZodType).safeParse(args)
  if (result.success) return result.data
  const problems = result.error.issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
  throw new MicrovmError('INVALID_ARGUMENT', `${name}: ${problems.join('; ')}`)
}

function describe(
  error: unknown,
  call: string,
  logger: Logger,
): ReturnType<MicrovmError['toWire']> {
  const known = MicrovmError.from(error)
  if (known.code === 'INTERNAL')
    logger.error('call failed', { call, stack: error instanceof Error ? error.stack : undefined })
  else if (known.code !== 'CANCELLED')
    logger.warn('call failed', { call, code: known.code, message: known.message })
  return known.toWire()
}
