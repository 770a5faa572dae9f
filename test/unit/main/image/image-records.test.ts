// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { debian, filesIn, other, useStore } from './support/store-fixture'

const fixture = useStore()
const { storeWith, publish } = fixture

describe('a damaged store', () => {
  const damaged = async (damage: () => void) => {
    const [one, two] = [publish(debian, 'v1'), publish(other, 'v2')]
    await storeWith().pull(one, {})
    await storeWith().pull(two, {})
    damage()
    return { one, two, store: storeWith() }
  }
  const overwrite = (folder: string, pattern: RegExp): void => {
    const name = filesIn(folder).find((candidate) => pattern.test(candidate))!
    writeFileSync(join(folder, name), '{"half": ')
  }

  it.each<[string, () => void]>([
    ['reference', () => overwrite(fixture.paths.refs, /v1-[0-9a-f]+\.json$/)],
    [
      'manifest',
      () => overwrite(fixture.paths.manifests, new RegExp(debian.manifest.digest.slice(7))),
    ],
    [
      'index of a layer',
      () => overwrite(fixture.paths.layers, new RegExp(`${debian.diffIds[1]!.slice(7)}.index`)),
    ],
  ])('with a bad %s says so, sets it aside, and the rest goes on', async (_what, damage) => {
    const { one, two, store } = await damaged(damage)
    expect(await store.find(one)).toBeUndefined()
    expect(fixture.warn).toHaveBeenCalled()
    expect(
      [fixture.paths.refs, fixture.paths.manifests, fixture.paths.layers]
        .flatMap(filesIn)
        .filter((name) => name.endsWith('.corrupt')).length,
    ).toBeGreaterThan(0)
    expect((await store.find(two))!.layers).toHaveLength(2)
    expect((await store.list()).some(({ reference }) => reference === two)).toBe(true)
    expect((await store.ensure(one, {})).layers).toHaveLength(2)
  })

  it('with a layer gone pulls it again', async () => {
    const { one, store } = await damaged(() =>
      rmSync(join(fixture.paths.layers, `${debian.diffIds[1]!.slice(7)}.index`)),
    )
    expect(await store.find(one)).toBeUndefined()
    expect((await store.list()).length).toBe(2)
    expect((await store.ensure(one, {})).layers).toHaveLength(2)
  })
})
