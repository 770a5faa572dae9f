// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { createLogger } from '../../../../src/main/lib/logger'

describe('the log', () => {
  const lines: string[] = []
  const logger = createLogger({ write: (line) => lines.push(line), fields: { vm: 'a1' } })

  it('writes one JSON object a line, with the fields of logger and call', () => {
    lines.length = 0
    logger.info('started', { cpus: 2 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[^\n]*\n$/)
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'info',
      message: 'started',
      vm: 'a1',
      cpus: 2,
    })
  })

  it('leaves out what is below its level', () => {
    lines.length = 0
    logger.debug('noise')
    expect(lines).toEqual([])
  })

  it('writes errors with their code and hint', () => {
    lines.length = 0
    logger.error('pull', {
      error: new MicrovmError('DISK_FULL', 'no space', { hint: 'free some' }),
    })
    expect(JSON.parse(lines[0]!).error).toEqual({
      code: 'DISK_FULL',
      message: 'no space',
      hint: 'free some',
    })
  })
})
