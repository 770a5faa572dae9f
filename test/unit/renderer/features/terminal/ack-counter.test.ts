// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { TERMINAL_WINDOW_BYTES } from '../../../../../src/contract/ipc'
import {
  ACK_BYTES,
  createAckCounter,
} from '../../../../../src/renderer/features/terminal/ack-counter'

it('acknowledges in large steps and loses no byte', () => {
  const acknowledged: number[] = []
  const drawn = createAckCounter((bytes) => acknowledged.push(bytes))
  drawn(ACK_BYTES - 1)
  expect(acknowledged).toEqual([])
  drawn(10)
  expect(acknowledged).toEqual([ACK_BYTES + 9])
  drawn(5)
  drawn(ACK_BYTES)
  expect(acknowledged).toEqual([ACK_BYTES + 9, ACK_BYTES + 5])
})

it('leaves less unacknowledged than keeps a paused terminal paused', () => {
  expect(ACK_BYTES).toBeLessThan(TERMINAL_WINDOW_BYTES / 2)
})
