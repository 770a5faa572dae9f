// SPDX-License-Identifier: Apache-2.0
// The list of machines: filter, table, and what stands there while there is none.
// The table knows ids only; each row subscribes to its own machine.
import { useMemo, useState, type ReactNode } from 'react'
import { Button } from '../../ui/button'
import { EmptyState, ErrorPanel, SkeletonRows } from '../../ui/feedback'
import { FindField } from '../../ui/find-field'
import { keyText } from '../../ui/platform'
import { EmptyMachines } from './empty-machines'
import { visibleIds, type Sort } from './machine-list'
import { MachineTable } from './machine-table'
import { openNewMachine } from './new-machine/open-new-machine'
import { loadVms, useVms } from './vm-store'
import './machines.css'

export function MachinesPage(): ReactNode {
  const [filter, setFilter] = useState('')
  return (
    <main className="page" aria-label="Machines">
      <header className="page-header">
        <h1>Machines</h1>
        <div className="page-actions">
          <FindField
            label="Filter machines"
            placeholder="Filter"
            query={filter}
            onQuery={setFilter}
          />
          <Button variant="primary" shortcut={keyText('N')} onClick={() => openNewMachine()}>
            New machine
          </Button>
        </div>
      </header>
      <MachinesContent filter={filter} clearFilter={() => setFilter('')} />
    </main>
  )
}

interface MachinesContentProps {
  readonly filter: string
  readonly clearFilter: () => void
}

function MachinesContent({ filter, clearFilter }: MachinesContentProps): ReactNode {
  const load = useVms((state) => state.load)
  const error = useVms((state) => state.error)
  const count = useVms((state) => Object.keys(state.byId).length)
  const [sort, setSort] = useState<Sort>({ column: 'name', descending: false })
  const ids = useVisibleIds(filter, sort)
  if (load === 'loading') return <SkeletonRows rows={6} />
  if (load === 'failed')
    return (
      <ErrorPanel title="The machines could not be listed" error={error}>
        <Button onClick={() => void loadVms()}>Try again</Button>
      </ErrorPanel>
    )
  if (count === 0) return <EmptyMachines />
  if (ids.length === 0)
    return (
      <EmptyState title={`Nothing matches “${filter}”`}>
        <Button onClick={clearFilter}>Clear filter</Button>
      </EmptyState>
    )
  return <MachineTable ids={ids} sort={sort} onSort={setSort} />
}

/** Ids in order; a new array only when the order or the selection of machines changes. */
function useVisibleIds(filter: string, sort: Sort): readonly string[] {
  const joined = useVms((state) => visibleIds(Object.values(state.byId), filter, sort).join(' '))
  return useMemo(() => (joined === '' ? [] : joined.split(' ')), [joined])
}
