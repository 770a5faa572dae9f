// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { ImageView } from '../../../contract/images'
import { CopyButton } from '../../ui/copy-button'
import { Fact, Facts } from '../../ui/facts'
import { quoteWord } from '../vms/cli-command'

/** What the image says about itself: command, environment, user, ports. */
export function ImageConfiguration({ image }: { readonly image: ImageView }): ReactNode {
  const { config } = image
  const words = (list: readonly string[]): string =>
    list.length === 0 ? 'none' : list.map(quoteWord).join(' ')
  return (
    <Facts>
      <Fact name="Digest" mono>
        {image.digest}
        <CopyButton text={image.digest} label="Copy the digest" />
      </Fact>
      <Fact name="Platform">{image.platform}</Fact>
      {image.createdAt !== undefined && (
        <Fact name="Created">{new Date(image.createdAt).toLocaleString()}</Fact>
      )}
      <Fact name="Entrypoint" mono>
        {words(config.entrypoint)}
      </Fact>
      <Fact name="Command" mono>
        {words(config.cmd)}
      </Fact>
      <Fact name="User" mono>
        {config.user || 'root'}
      </Fact>
      <Fact name="Working directory" mono>
        {config.workdir || '/'}
      </Fact>
      <Fact name="Exposed ports">{config.exposedPorts.join(', ') || 'none'}</Fact>
      <Fact name="Stop signal" mono>
        {config.stopSignal}
      </Fact>
      <Fact name="Environment" mono>
        {config.env.length === 0 ? 'none' : config.env.map((line) => <div key={line}>{line}</div>)}
      </Fact>
    </Facts>
  )
}
