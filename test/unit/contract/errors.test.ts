// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError, wireErrorSchema } from '../../../src/contract/errors'

describe('an error', () => {
  it('keeps code and hint while each stage adds where it happened', () => {
    const inner = new MicrovmError('DIGEST_MISMATCH', 'got other bytes', { hint: 'pull again' })
    const outer = MicrovmError.inContext('pull a', MicrovmError.inContext('layer 3', inner))
    expect(outer.message).toBe('pull a: layer 3: got other bytes')
    expect(outer.toWire()).toEqual({
      code: 'DIGEST_MISMATCH',
      message: 'pull a: layer 3: got other bytes',
      hint: 'pull again',
    })
  })

  it('survives a process boundary', () => {
    const error = new MicrovmError('CONFLICT', 'it runs', { hint: 'stop it first' })
    const wire = wireErrorSchema.parse(JSON.parse(JSON.stringify(error.toWire())))
    expect(MicrovmError.fromWire(wire)).toMatchObject({ code: 'CONFLICT', hint: 'stop it first' })
  })

  it('gives a full disk and a refused file their own codes', () => {
    const system = (code: string) => Object.assign(new Error(code), { code })
    expect(MicrovmError.from(system('ENOSPC'))).toMatchObject({ code: 'DISK_FULL' })
    expect(MicrovmError.from(system('EACCES'))).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(MicrovmError.from(system('EWHATEVER'))).toMatchObject({ code: 'INTERNAL' })
  })

  it('takes an aborted operation for cancelled, and anything thrown for an error', () => {
    const abort = new DOMException('stop', 'AbortError')
    expect(MicrovmError.from(abort).code).toBe('CANCELLED')
    expect(MicrovmError.from('text')).toMatchObject({ code: 'INTERNAL', message: 'text' })
  })
})
