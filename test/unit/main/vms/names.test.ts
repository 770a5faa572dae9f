// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { vmNameSchema } from '../../../../src/contract/vm-spec'
import { suggestName } from '../../../../src/main/vms/names'

describe('suggested names', () => {
  it('are valid names of two words', () => {
    const names = Array.from({ length: 500 }, () => suggestName(new Set()))
    for (const name of names) {
      expect(vmNameSchema.safeParse(name).success).toBe(true)
      expect(name).toMatch(/^[a-z]+-[a-z]+$/)
    }
    expect(new Set(names).size).toBeGreaterThan(300)
  })

  it('are never taken, even when every pair is', () => {
    const always = (): number => 0
    const first = suggestName(new Set(), always)
    const second = suggestName(new Set([first]), always)
    const third = suggestName(new Set([first, second]), always)
    expect(new Set([first, second, third]).size).toBe(3)
    expect(third).toBe(`${first}-3`)
  })
})
