// SPDX-License-Identifier: Apache-2.0
// What freeing space would take away, as the engine says it in dry runs.
import { useEffect, useState } from 'react'
import { call } from '../../api/client'
import type { PruneReport } from '../../../contract/images'

export interface PrunePlan {
  /** Without images that have a name. */
  readonly leftovers: PruneReport
  readonly everything: PruneReport
}

interface PlanState {
  /** The last one stays until the next one is there. */
  readonly plan: PrunePlan | undefined
  readonly error: unknown
  /** Whether the plan is for another choice than the present one. */
  readonly isLoading: boolean
}

/** @param days only images not used for so long */
export function usePrunePlan(days: number): PlanState {
  const [last, setLast] = useState<Omit<PlanState, 'isLoading'> & { readonly days: number }>({
    plan: undefined,
    error: undefined,
    days: -1,
  })
  useEffect(() => {
    let isStale = false
    planFor(days).then(
      (plan) => isStale || setLast({ plan, error: undefined, days }),
      (error: unknown) => isStale || setLast({ plan: undefined, error, days }),
    )
    return () => {
      isStale = true
    }
  }, [days])
  return { plan: last.plan, error: last.error, isLoading: last.days !== days }
}

async function planFor(unusedForDays: number): Promise<PrunePlan> {
  const dry = { unusedForDays, dryRun: true }
  return {
    leftovers: await call('images.prune', { ...dry, all: false }),
    everything: await call('images.prune', { ...dry, all: true }),
  }
}

/** Images that go only if all do that no machine needs. Pure. */
export function namedImages({ leftovers, everything }: PrunePlan): string[] {
  return everything.images.filter((name) => !leftovers.images.includes(name))
}
