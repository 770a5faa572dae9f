// SPDX-License-Identifier: Apache-2.0
// The net under everything: an error nobody caught is logged whole and told to the user in plain
// words, one message at a time. The app goes on: machines do not depend on it.
import { MicrovmError } from '../../contract/errors'
import type { Logger } from '../lib/logger'

export interface UnhandledDeps {
  readonly process: Pick<NodeJS.Process, 'on'>
  readonly logger: Logger
  /** Resolves when the user has closed the message. */
  show(message: string, detail: string): Promise<unknown>
}

export function catchUnhandled(deps: UnhandledDeps): void {
  let showing = false
  const report = (kind: string) => (error: unknown) => {
    const stack = error instanceof Error ? error.stack : String(error)
    deps.logger.error(kind, { stack })
    if (showing) return
    showing = true
    const { message, hint } = MicrovmError.from(error)
    const detail = [message, hint, 'Your machines keep running. The log has the details.']
    void deps
      .show('Something went wrong in MicroVM Desktop', detail.filter(Boolean).join('\n\n'))
      .catch(() => undefined)
      .finally(() => {
        showing = false
      })
  }
  deps.process.on('uncaughtException', report('uncaught exception'))
  deps.process.on('unhandledRejection', report('unhandled rejection'))
}
