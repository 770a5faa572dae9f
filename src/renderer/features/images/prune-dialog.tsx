// SPDX-License-Identifier: Apache-2.0
// Gives space back. Says what would go and how much that is before it does; what machines need never goes.
import { useState, type ReactNode } from 'react'
import { call } from '../../api/client'
import type { PruneReport } from '../../../contract/images'
import { Button } from '../../ui/button'
import { Dialog } from '../../ui/dialog'
import { ErrorPanel, SkeletonRows } from '../../ui/feedback'
import { formatBytes, formatPlural } from '../../ui/format'
import { toastInfo } from '../../ui/toast-store'
import { useVms } from '../vms/vm-store'
import { useImages } from './image-store'
import { usersOf } from './image-users'
import { namedImages, usePrunePlan, type PrunePlan } from './prune-plan'

const ages = [
  [0, 'any time'],
  [7, 'a week'],
  [30, 'a month'],
  [90, 'three months'],
] as const

export function PruneDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [all, setAll] = useState(false)
  const [days, setDays] = useState(0)
  const [failure, setFailure] = useState<unknown>()
  const [isBusy, setBusy] = useState(false)
  const { plan, error, isLoading } = usePrunePlan(days)
  const going = plan && (all ? plan.everything : plan.leftovers)
  const isNothing = going !== undefined && going.bytes === 0 && going.images.length === 0
  const free = async (): Promise<void> => {
    setBusy(true)
    setFailure(undefined)
    try {
      const unusedForDays = all ? days : 0
      const done = await call('images.prune', { all, unusedForDays, dryRun: false })
      onClose()
      toastInfo(`${formatBytes(done.bytes)} are free again${goneText(done)}`)
    } catch (problem) {
      setFailure(problem)
      setBusy(false)
    }
  }
  return (
    <Dialog title="Free up space" className="prune-dialog" onClose={onClose}>
      <div className="prune-body">
        {error !== undefined && <ErrorPanel title="It is not known what can go" error={error} />}
        {failure !== undefined && <ErrorPanel title="Not all of it was removed" error={failure} />}
        {plan === undefined && error === undefined && <SkeletonRows rows={2} />}
        {plan !== undefined && (
          <Choices plan={plan} all={all} onAll={setAll} days={days} onDays={setDays} />
        )}
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>{isNothing ? 'Close' : 'Cancel'}</Button>
        <Button
          variant="danger"
          disabled={isBusy || isNothing || isLoading || plan === undefined}
          onClick={() => void free()}
        >
          {isBusy ? 'Freeing…' : buttonText(going, isNothing)}
        </Button>
      </div>
    </Dialog>
  )
}

function buttonText(going: PruneReport | undefined, isNothing: boolean): string {
  if (isNothing) return 'Nothing to free'
  return going === undefined ? 'Free' : `Free ${formatBytes(going.bytes)}`
}

function goneText({ images }: PruneReport): string {
  return images.length === 0 ? '' : `: ${formatPlural(images.length, 'image')} removed`
}

interface ChoicesProps {
  readonly plan: PrunePlan
  readonly all: boolean
  readonly onAll: (all: boolean) => void
  readonly days: number
  readonly onDays: (days: number) => void
}

function Choices({ plan, all, onAll, days, onDays }: ChoicesProps): ReactNode {
  const { leftovers, everything } = plan
  const images = namedImages(plan)
  return (
    <>
      <label className="prune-choice">
        <input type="checkbox" checked disabled />
        <span className="setting-text">
          Leftovers
          <span className="fine">
            Of failed pulls, older versions of the app, and images that lost their name
            {leftovers.images.length > 0 && ` (${leftovers.images.length})`}
          </span>
        </span>
        <span className="prune-size">{formatBytes(leftovers.bytes)}</span>
      </label>
      <label className="prune-choice">
        <input
          type="checkbox"
          checked={all}
          aria-label="Images no machine needs"
          onChange={(event) => onAll(event.target.checked)}
        />
        <span className="setting-text">
          Images no machine needs
          <span className="fine">
            {images.length === 0
              ? 'There are none'
              : `${formatPlural(images.length, 'image')}, to be pulled again when wanted`}
          </span>
        </span>
        <span className="prune-size">{formatBytes(everything.bytes - leftovers.bytes)}</span>
      </label>
      {all && <ImagesThatGo names={images} days={days} onDays={onDays} />}
      <Kept />
    </>
  )
}

interface ImagesThatGoProps extends Pick<ChoicesProps, 'days' | 'onDays'> {
  readonly names: readonly string[]
}

function ImagesThatGo({ names, days, onDays }: ImagesThatGoProps): ReactNode {
  return (
    <div className="prune-images">
      <label className="check">
        Only images unused for
        <select value={days} onChange={(event) => onDays(Number(event.target.value))}>
          {ages.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ul className="prune-list" aria-label="Images that go" tabIndex={0}>
        {names.map((name) => (
          <li key={name} className="cut" title={name}>
            {name}
          </li>
        ))}
      </ul>
    </div>
  )
}

/** What stays whatever is chosen. */
function Kept(): ReactNode {
  const list = useImages((state) => state.list)
  const vms = useVms((state) => state.byId)
  const kept = list.filter((image) => usersOf(image, vms).length > 0)
  if (kept.length === 0) return null
  const names = kept.map(({ reference }) => reference).join(', ')
  return (
    <p className="fine prune-kept" title={names}>
      {kept.length === 1 ? 'Stays, as machines need it' : 'Stay, as machines need them'}: {names}
    </p>
  )
}
