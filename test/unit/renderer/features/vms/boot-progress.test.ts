// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { bootProgress } from '../../../../../src/renderer/features/vms/boot-progress'
import { stages } from '../../../../../src/renderer/features/vms/stages'
import { vmView } from './vm-views'

const starting = (stage: string, fraction?: number): ReturnType<typeof vmView> =>
  vmView('a', 'starting', {
    view: { progress: { stage, message: 'm', ...(fraction === undefined ? {} : { fraction }) } },
  })

describe('the progress of a boot', () => {
  it('never goes back from stage to stage', () => {
    const fractions = stages.flatMap(({ name }) =>
      [undefined, 0.5, 1].map((part) => bootProgress(starting(name, part)).fraction ?? -1),
    )
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
    expect(fractions.at(0)).toBe(0)
    expect(fractions.at(-1)).toBe(1)
  })

  it('is unknown in a stage of another name', () => {
    expect(bootProgress(starting('post-boot'))).toEqual({ stage: 'post-boot', message: 'm' })
  })

  it('says in words what it waits for when main does not', () => {
    const timeline = [{ name: 'vmm', at: 5 }]
    expect(bootProgress(vmView('a', 'starting', { state: { timeline } })).message).toBe(
      'Starting · kernel',
    )
  })
})
