// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { FolderGrants } from '../../../../src/main/ipc/folder-grants'

const mount = (hostPath: string) => ({ hostPath, guestPath: '/code', readOnly: false })

it('lets the window share only what the user has chosen', async () => {
  const answers = ['/home/me/code', undefined, '/srv']
  const folders = new FolderGrants(async () => answers.shift())
  expect(() => folders.require([])).not.toThrow()
  expect(() => folders.require([mount('/home/me/code')])).toThrow('was not chosen')
  expect(await folders.choose()).toBe('/home/me/code')
  expect(await folders.choose()).toBeNull()
  expect(await folders.choose()).toBe('/srv')
  expect(() => folders.require([mount('/home/me/code'), mount('/srv')])).not.toThrow()
  for (const path of ['/home/me', '/home/me/code/..', '/home/me/code/inner', '/'])
    expect(() => folders.require([mount('/srv'), mount(path)])).toThrow(`${path} was not chosen`)
})
