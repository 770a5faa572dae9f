// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { nextStage, stageAbout, stageLabel } from '../../../../../src/renderer/features/vms/stages'

it('knows which stage follows which', () => {
  expect(nextStage(undefined)).toBe('image')
  expect(nextStage('vmm')).toBe('kernel')
  expect(nextStage('entrypoint')).toBe('')
})

it('shows a stage it does not know as it is', () => {
  expect(stageLabel('sshd-ready')).toBe('SSH')
  expect(stageLabel('post-boot')).toBe('post-boot')
  expect(stageAbout('post-boot')).toBe('')
})
