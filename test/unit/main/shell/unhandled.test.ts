// SPDX-License-Identifier: Apache-2.0
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { silentLogger } from '../../../../src/main/lib/logger'
import { catchUnhandled } from '../../../../src/main/shell/unhandled'

function setUp() {
  const process = new EventEmitter() as unknown as NodeJS.Process
  const close: (() => void)[] = []
  const show = vi.fn((_message: string, _detail: string) => {
    return new Promise<void>((resolve) => close.push(resolve))
  })
  const error = vi.fn()
  catchUnhandled({ process, show, logger: { ...silentLogger, error } })
  return { process, show, error, close: () => close.shift()?.() }
}

describe('an error nobody caught', () => {
  it('is logged with its stack and told in plain words, with its hint', () => {
    const { process, show, error } = setUp()
    process.emit(
      'uncaughtException',
      new MicrovmError('DISK_FULL', 'no room', { hint: 'Tidy up.' }),
    )
    expect(error.mock.calls[0]?.[1]?.stack).toContain('unhandled.test.ts')
    expect(show.mock.calls[0]?.[1]).toContain('no room\n\nTidy up.')
    expect(show.mock.calls[0]?.[1]).not.toContain('unhandled.test.ts')
  })

  it('is told one at a time, but logged each time', async () => {
    const { process, show, error, close } = setUp()
    for (let count = 0; count < 3; count += 1)
      process.emit('unhandledRejection', new Error('again'), Promise.resolve())
    expect(show).toHaveBeenCalledTimes(1)
    expect(error).toHaveBeenCalledTimes(3)
    close()
    await vi.waitFor(() => {
      process.emit('unhandledRejection', 'later', Promise.resolve())
      expect(show).toHaveBeenCalledTimes(2)
    })
  })
})
