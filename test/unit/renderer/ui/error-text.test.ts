// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { errorText } from '../../../../src/renderer/ui/error-text'

describe('errorText', () => {
  it('gives message and hint of an error of ours', () => {
    const error = new MicrovmError('PORT_IN_USE', 'port 80 is taken', { hint: 'Choose another.' })
    expect(errorText(error)).toEqual({ message: 'Port 80 is taken', hint: 'Choose another.' })
  })

  it('takes an error as it crosses processes', () => {
    expect(errorText({ code: 'TIMEOUT', message: 'web: no answer' })).toEqual({
      message: 'web: no answer',
    })
  })

  it('leaves a name at the beginning as it is', () => {
    expect(errorText(new Error('web-1: disk full')).message).toBe('web-1: disk full')
  })

  it.each([[{}], [''], [new Error('  ')], [new Error('[object Object]')]])(
    'never shows an object or nothing: %o',
    (thrown) => {
      expect(errorText(thrown)).toEqual({ message: 'Something failed without saying why.' })
    },
  )
})

it('leaves a host name at the beginning as it is, and capitalises a lone word', () => {
  expect(errorText(new Error('registry.example.com: no answer')).message).toBe(
    'registry.example.com: no answer',
  )
  expect(errorText(new Error('cancelled')).message).toBe('Cancelled')
})
