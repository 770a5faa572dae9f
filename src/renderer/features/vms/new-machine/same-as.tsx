// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { useHost } from '../../../app/host-store'
import { useCopy } from '../../../ui/copy-button'
import { runCommand } from '../cli-command'
import type { Judged } from './draft'

/** The command line that would do the same, to copy; nothing where there is none. */
export function SameAs({ judged }: { readonly judged: Judged }): ReactNode {
  const cli = useHost((state) => state.info?.cli) ?? 'microvm'
  const command = judged.ok ? runCommand(cli, judged.spec) : ''
  const [copied, copy] = useCopy(command ?? '')
  if (command === undefined) return <p className="same-as" />
  return (
    <p className="same-as" title={command}>
      Same as <code>microvm run …</code>{' '}
      <button type="button" className="link" disabled={!judged.ok} onClick={copy}>
        {copied ? 'copied' : 'copy'}
      </button>
    </p>
  )
}
