// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState, type ReactNode } from 'react'
import { call } from '../api/client'
import { CheckIcon, CopyIcon } from './icons'
import { IconButton } from './button'
import { orToast } from './toast-store'

/** Copies a text and shows for a moment that it did. */
export function CopyButton(props: { readonly text: string; readonly label: string }): ReactNode {
  const [copied, copy] = useCopy(props.text)
  return (
    <IconButton label={copied ? 'Copied' : props.label} onClick={copy}>
      {copied ? <CheckIcon /> : <CopyIcon />}
    </IconButton>
  )
}

/** [true for a moment after a copy, the function that copies]. */
export function useCopy(text: string): [boolean, () => void] {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = (): void => {
    void orToast('Nothing was copied', call('app.writeClipboard', { text })).then(setCopied)
  }
  return [copied, copy]
}

/** A command line one can copy. */
export function CommandLine(props: {
  readonly command: string
  readonly label: string
}): ReactNode {
  return (
    <div className="command-line">
      <code>{props.command}</code>
      <CopyButton text={props.command} label={props.label} />
    </div>
  )
}
