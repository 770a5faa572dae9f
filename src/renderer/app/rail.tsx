// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { useImages } from '../features/images/image-store'
import { useVms } from '../features/vms/vm-store'
import { formatCount } from '../ui/format'
import { BackendLine } from './backend-line'
import { navigate, useRoute, type Route } from './route'

/** The way to every page, with how much is on it; at the bottom what runs the machines. */
export function Rail(): ReactNode {
  const machines = useVms((state) => countOf(state.load, Object.keys(state.byId).length))
  const images = useImages((state) => countOf(state.load, state.list.length))
  return (
    <nav className="rail" aria-label="Main">
      <RailItem label="Machines" count={machines} page="machines" within={['machine']} />
      <RailItem label="Images" count={images} page="images" within={['image']} />
      <RailItem label="Settings" page="settings" within={[]} />
      <BackendLine />
    </nav>
  )
}

function countOf(load: string, count: number): string {
  return load === 'ready' ? formatCount(count) : ''
}

interface RailItemProps {
  readonly label: string
  readonly count?: string
  readonly page: 'machines' | 'images' | 'settings'
  /** Pages that belong to it. */
  readonly within: readonly Route['page'][]
}

function RailItem({ label, count, page, within }: RailItemProps): ReactNode {
  const now = useRoute((state) => state.route.page)
  const current = now === page || within.includes(now)
  return (
    <button
      type="button"
      className="rail-item"
      aria-current={current ? 'page' : undefined}
      aria-label={label}
      data-testid={`rail-${page}`}
      onClick={() => navigate({ page })}
    >
      {label}
      {count !== undefined && <span className="rail-count">{count}</span>}
    </button>
  )
}
