// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { PathGrants } from '../../../../src/main/ipc/path-grants'

it('lets the window give machines only what the user has chosen', async () => {
  const answers = ['/home/me/code', undefined, '/srv']
  const folders = new PathGrants(async () => answers.shift())
  expect(() => folders.require([])).not.toThrow()
  expect(() => folders.require(['/home/me/code'])).toThrow('was not chosen')
  expect(await folders.choose()).toBe('/home/me/code')
  expect(await folders.choose()).toBeNull()
  expect(await folders.choose()).toBe('/srv')
  expect(() => folders.require(['/home/me/code', '/srv'])).not.toThrow()
  for (const path of ['/home/me', '/home/me/code/..', '/home/me/code/inner', '/'])
    expect(() => folders.require(['/srv', path])).toThrow(`${path} was not chosen`)
})
