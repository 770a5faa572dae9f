// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest'
import { vmSpecSchema } from '../../../../src/contract/vm-spec'
import type { ImageStore, StoredImage } from '../../../../src/main/image/image-store'
import { obtainImage, pin } from '../../../../src/main/run/image-stage'

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const image = (reference: string, letter: string): StoredImage => ({
  view: {
    reference,
    digest: digest(letter),
    platform: 'linux/amd64',
    layers: [],
    config: {
      entrypoint: ['/entry'],
      cmd: [],
      env: ['A=1'],
      workdir: '/',
      user: '',
      exposedPorts: [80],
      stopSignal: '',
    },
    size: 0,
    pulledAt: 0,
    builtIn: false,
  },
  layers: [{ diffId: digest('0'), dataPath: '/layer', dataSize: 4096 }],
})

/** A store that holds these, and pulls `pulled`. */
function storeOf(held: StoredImage[], pulled?: StoredImage) {
  const find = async (name: string) =>
    held.find(({ view }) => view.reference === name || view.digest === name)
  const ensure = vi.fn(async (name: string) => (await find(name)) ?? pulled!)
  return { store: { find, ensure } as Partial<ImageStore> as ImageStore, ensure }
}
const spec = vmSpecSchema.parse({ name: 'web', image: 'debian' })

describe('the image of a launch', () => {
  it('is whatever the reference means at the first start, pulled if need be', async () => {
    const pulled = image('debian', 'a')
    const { store } = storeOf([], pulled)
    expect(await obtainImage(store, { spec }, {})).toBe(pulled)
  })

  it('is the same content ever after, though the tag has moved on', async () => {
    const old = image('debian:old', 'a')
    const { store, ensure } = storeOf([image('debian', 'b'), old])
    const record = { spec, image: pin(image('debian', 'a')) }
    expect(await obtainImage(store, record, {})).toBe(old)
    expect(ensure).not.toHaveBeenCalled()
  })

  it('is refused when that content is gone, rather than another one booted', async () => {
    const { store } = storeOf([image('debian', 'b')])
    const record = { spec, image: pin(image('debian', 'a')) }
    await expect(obtainImage(store, record, {})).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
