// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { LayerProgress, Progress } from '../../../contract/images'
import { Button } from '../../ui/button'
import { shortDigest } from '../../ui/format'
import { ProgressBar } from '../../ui/progress'
import { layerFraction, layerText, progressFraction, progressText } from './pull-progress'

interface ProgressDetailsProps {
  readonly title: string
  readonly progress: Progress | undefined
  readonly cancelling: boolean
  readonly onCancel: () => void
}

/** A long operation in full: what it does, how far it is, layer by layer, and a way to stop it. */
export function ProgressDetails(props: ProgressDetailsProps): ReactNode {
  const { title, progress, cancelling } = props
  const layers = progress?.layers ?? []
  return (
    <section className="progress-details" aria-label={title} data-testid="progress">
      <div className="progress-head">
        <p className="progress-title">{progress?.message ?? title}</p>
        <span className="progress-amount">{progressText(progress)}</span>
        <Button disabled={cancelling} onClick={props.onCancel}>
          {cancelling ? 'Cancelling…' : 'Cancel'}
        </Button>
      </div>
      <ProgressBar label={title} fraction={progressFraction(progress)} />
      {layers.length > 0 && (
        <ul className="layer-progress">
          {layers.map((layer) => (
            <LayerLine key={layer.diffIdOrDigest} layer={layer} />
          ))}
        </ul>
      )}
    </section>
  )
}

function LayerLine({ layer }: { readonly layer: LayerProgress }): ReactNode {
  const digest = shortDigest(layer.diffIdOrDigest)
  return (
    <li data-state={layer.state}>
      <code>{digest}</code>
      <ProgressBar label={`Layer ${digest}`} fraction={layerFraction(layer)} />
      <span>{layerText(layer)}</span>
    </li>
  )
}
