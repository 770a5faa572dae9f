// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  BoundedWriter,
  WRITER_CHARACTERS,
} from '../../../../../../src/renderer/features/vms/machine-page/bounded-writer'

/** A screen that draws only when told. */
function slowScreen() {
  const drawn: string[] = []
  let finish: (() => void) | undefined
  const writer = new BoundedWriter((text, done) => {
    drawn.push(text)
    finish = done
  })
  const finishDrawing = (): void => {
    const done = finish
    finish = undefined
    done?.()
  }
  return { writer, drawn, finishDrawing }
}

describe('the bounded writer', () => {
  it('gathers what comes while the screen draws, and keeps the order', () => {
    const { writer, drawn, finishDrawing } = slowScreen()
    for (const text of ['a', 'b', 'c']) writer.write(text)
    expect(drawn).toEqual(['a'])
    finishDrawing()
    finishDrawing()
    writer.write('d')
    expect(drawn).toEqual(['a', 'bc', 'd'])
  })

  it('drops whole old lines of a flood, keeps the end, and says so once', () => {
    const { writer, drawn, finishDrawing } = slowScreen()
    const line = `${'x'.repeat(99)}\n`
    writer.write('first\n')
    for (let n = 0; n < (3 * WRITER_CHARACTERS) / 100; n += 1) writer.write(line)
    writer.write('last\n')
    finishDrawing()
    const [, flood = ''] = drawn
    expect(flood.length).toBeLessThan(WRITER_CHARACTERS + 200)
    expect(flood.match(/output skipped/g)).toHaveLength(1)
    expect(flood.split('\n')[2]).toBe('x'.repeat(99))
    expect(flood.endsWith('last\n')).toBe(true)
    finishDrawing()
    writer.write('calm\n')
    expect(drawn.at(-1)).toBe('calm\n')
  })
})
