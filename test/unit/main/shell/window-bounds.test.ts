// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  minimumSize,
  placeWindow,
  readBounds,
  writeBounds,
} from '../../../../src/main/shell/window-bounds'

const screen = { x: 0, y: 0, width: 1920, height: 1080 }
const saved = { x: 100, y: 50, width: 1000, height: 700, maximized: false }

describe('placeWindow', () => {
  it('puts the window where it was', () => {
    expect(placeWindow(saved, [screen])).toEqual({ x: 100, y: 50, width: 1000, height: 700 })
  })

  it('uses a default place when nothing is saved', () => {
    expect(placeWindow(undefined, [screen])).toEqual({ width: 1180, height: 780 })
  })

  it('is never larger than a small screen by default', () => {
    const small = { x: 0, y: 0, width: 1024, height: 600 }
    expect(placeWindow(undefined, [small])).toEqual({ width: 1024, height: 600 })
  })

  it.each([
    ['on a screen that is gone', { ...saved, x: 3000 }],
    ['with its title bar above the screen', { ...saved, y: -200 }],
    ['with its title bar below the screen', { ...saved, y: 1070 }],
    ['all but out on the left', { ...saved, x: -990 }],
  ])('uses a default place for a window %s', (_, bounds) => {
    expect(placeWindow(bounds, [screen])).not.toHaveProperty('x')
  })

  it('finds a second screen', () => {
    const second = { ...screen, x: 1920 }
    expect(placeWindow({ ...saved, x: 2500 }, [screen, second])).toHaveProperty('x', 2500)
  })

  it('is never smaller than the least size', () => {
    expect(placeWindow({ ...saved, width: 100, height: 10 }, [screen])).toMatchObject(minimumSize)
  })
})

describe('the saved bounds', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bounds-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('are read as they were written', () => {
    const file = join(dir, 'window.json')
    writeBounds(file, saved)
    expect(readBounds(file)).toEqual(saved)
  })

  it.each(['', '{', '[]', '{"x":"1"}', '{"x":1,"y":1,"width":-5,"height":5,"maximized":false}'])(
    'are ignored when the file holds %j',
    (text) => {
      const file = join(dir, 'window.json')
      writeFileSync(file, text)
      expect(readBounds(file)).toBeUndefined()
    },
  )

  it('cannot stop the window from closing', () => {
    expect(() => writeBounds(join(dir, 'missing', 'window.json'), saved)).not.toThrow()
  })
})
