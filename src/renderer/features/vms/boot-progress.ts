// SPDX-License-Identifier: Apache-2.0
// How far a launch is, counted in its stages. Pure.
import type { Progress } from '../../../contract/images'
import type { VmView } from '../../../contract/ipc'
import { stageLabel, stages } from './stages'
import { currentStage } from './state-text'

/** The stages that have ended and the known part of the one under way, as a share of all. */
export function bootProgress(vm: VmView): Progress {
  const stage = currentStage(vm)
  const message = vm.progress?.message ?? `Starting · ${stageLabel(stage)}`
  const index = stages.findIndex(({ name }) => name === stage)
  if (index < 0) return { stage, message }
  const part = Math.min(1, Math.max(0, vm.progress?.fraction ?? 0))
  return { stage, message, fraction: (index + part) / stages.length }
}
