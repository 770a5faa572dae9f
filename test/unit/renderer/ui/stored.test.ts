// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readStored, writeStored, type TextStore } from '../../../../src/renderer/ui/stored'

const schema = z.object({ size: z.number().default(13) })

function storeWith(text: string | null): TextStore {
  return { getItem: () => text, setItem: () => undefined }
}

describe('stored values', () => {
  it('come back as they were kept', () => {
    const kept = new Map<string, string>()
    const store: TextStore = {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
    }
    writeStored(store, 'p', { size: 15 })
    expect(readStored(store, 'p', schema)).toEqual({ size: 15 })
  })

  it.each([[null], ['no json'], ['{"size":"big"}'], ['[]']])(
    'fall back to the usual for %s',
    (text) => {
      expect(readStored(storeWith(text), 'p', schema)).toEqual({ size: 13 })
    },
  )

  it('are given up silently when the store refuses', () => {
    const full: TextStore = {
      getItem: () => {
        throw new Error('denied')
      },
      setItem: () => {
        throw new Error('full')
      },
    }
    expect(() => writeStored(full, 'p', {})).not.toThrow()
    expect(readStored(full, 'p', schema)).toEqual({ size: 13 })
  })
})
