// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ImageView } from '../../../../../src/contract/images'
import {
  spaceOf,
  visibleImages,
  type ImageSortColumn,
} from '../../../../../src/renderer/features/images/image-list'

const image = (reference: string, rest: Partial<ImageView> = {}): ImageView =>
  ({
    reference,
    digest: `sha256:${reference.length}`,
    platform: 'linux/amd64',
    layers: [],
    ...{ size: 0, ownSize: 0 },
    ...rest,
  }) as unknown as ImageView

const images = [
  image('web:10', { size: 5, ownSize: 1, lastUsedAt: 100 }),
  image('web:9', { size: 7, ownSize: 7 }),
  image('db', { size: 5, ownSize: 3, lastUsedAt: 200, platform: 'linux/arm64' }),
]

const names = (column: ImageSortColumn, descending = false, filter = ''): string[] =>
  visibleImages(images, filter, { column, descending }).map(({ reference }) => reference)

it('counts a layer that several images share once', () => {
  const layer = (diffId: string, sizeOnDisk: number) => ({ diffId, sizeOnDisk }) as never
  const [base, own] = [layer('a', 5), layer('b', 3)]
  expect(spaceOf([image('x', { layers: [base, own, own] }), image('y', { layers: [base] })])).toBe(
    8,
  )
  const packed = layer('a', 2)
  expect(spaceOf([image('x', { layers: [base] }), image('starter', { layers: [packed] })])).toBe(5)
})

describe('the list of images', () => {
  it('is sorted by name, numbers in it counted', () => {
    expect(names('reference')).toEqual(['db', 'web:9', 'web:10'])
    expect(names('reference', true)).toEqual(['web:10', 'web:9', 'db'])
  })

  it('begins with the largest and the latest, equal ones by name', () => {
    expect(names('size')).toEqual(['web:9', 'db', 'web:10'])
    expect(names('own', true)).toEqual(['web:10', 'db', 'web:9'])
    expect(names('used')).toEqual(['db', 'web:10', 'web:9'])
  })

  it('shows what has every word of the filter', () => {
    expect(names('reference', false, 'WEB 1')).toEqual(['web:10'])
    expect(names('reference', false, 'arm')).toEqual(['db'])
    expect(names('reference', false, ' none ')).toEqual([])
  })
})
