// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { libraryPath } from '../../../../src/main/lib/library-path'

it('puts our folder before what is set, in the platform’s variable', () => {
  expect(libraryPath('/lib/krun', {}, 'linux')).toEqual({ LD_LIBRARY_PATH: '/lib/krun' })
  expect(libraryPath('/lib/krun', { DYLD_LIBRARY_PATH: '/opt' }, 'darwin')).toEqual({
    DYLD_LIBRARY_PATH: '/lib/krun:/opt',
  })
})

it('changes nothing where the system’s libraries are meant', () => {
  expect(libraryPath(undefined, { LD_LIBRARY_PATH: '/opt' }, 'linux')).toEqual({})
})
