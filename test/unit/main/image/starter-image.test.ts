// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeImage, writeLayout } from './support/make-image'
import { debian, filesIn, useStore } from './support/store-fixture'

const fixture = useStore()
const { storeWith, publish, freshFolder } = fixture

describe('the starter image', () => {
  const starter = makeImage([[{ name: 'bin/sh', data: 'sh' }]])
  const layout = (image = starter): string => writeLayout(freshFolder(), { image, name: 'latest' })

  it('is listed before its first use, and then found without a registry', async () => {
    const store = storeWith({ starterLayout: layout() })
    const [unused] = await store.list()
    expect(unused).toMatchObject({
      reference: 'starter',
      builtIn: true,
      digest: starter.manifest.digest,
    })
    expect(unused!.size).toBeGreaterThan(0)
    expect(filesIn(fixture.paths.layers)).toEqual([])
    const found = await store.find('starter')
    expect(found!.view).toMatchObject({
      reference: 'starter',
      builtIn: true,
      digest: starter.manifest.digest,
    })
    expect(await store.ensure('docker.io/library/starter:latest', {})).toEqual(found)
    expect(await store.list()).toMatchObject([found!.view])
    expect(fixture.server.asked).toEqual([])
  })

  it('is a newer one after an update, the old one stays by its digest', async () => {
    await storeWith({ starterLayout: layout() }).find('starter')
    const newer = makeImage([[{ name: 'bin/sh', data: 'newer' }]])
    const store = storeWith({ starterLayout: layout(newer) })
    expect((await store.find('starter'))!.view.digest).toBe(newer.manifest.digest)
    expect((await store.find(starter.manifest.digest))!.view.builtIn).toBe(false)
  })

  it('comes back after it was removed', async () => {
    const store = storeWith({ starterLayout: layout() })
    await store.find('starter')
    await store.remove('starter')
    expect(filesIn(fixture.paths.layers)).toEqual([])
    expect((await store.list()).map(({ reference }) => reference)).toEqual(['starter'])
    expect(await store.find('starter')).toBeDefined()
  })

  it('keeps its name to itself', async () => {
    const path = writeLayout(freshFolder(), { image: debian })
    await expect(storeWith().importPath(path, { reference: 'starter' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('that is not installed, or broken, does not hide the other images', async () => {
    await storeWith().pull(publish(debian, 'v1'), {})
    await expect(storeWith().ensure('starter', {})).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
    expect(await storeWith().find('starter')).toBeUndefined()
    expect(await storeWith({ starterLayout: freshFolder() }).list()).toHaveLength(1)
    expect(fixture.warn).toHaveBeenCalled()
  })
})
