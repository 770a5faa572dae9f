// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { Button, IconButton } from '../../ui/button'
import { CopyButton } from '../../ui/copy-button'
import { errorText } from '../../ui/error-text'
import { formatBytes } from '../../ui/format'
import { CloseIcon } from '../../ui/icons'
import { visibleName, visibleText } from './file-text'
import { saveFile, useFileText, type AskedText, type Files } from './image-files'

interface FilePreviewProps {
  readonly files: Files
  readonly path: string
  readonly onClose: () => void
}

/** The beginning of a file as text, and a way to have the file itself. */
export function FilePreview({ files, path, onClose }: FilePreviewProps): ReactNode {
  const state = useFileText(files, path)
  const text = state.load === 'ready' ? state.value : undefined
  return (
    <section className="preview" aria-label={`Text of ${visibleName(path)}`} data-testid="preview">
      <header className="preview-head">
        <code className="cut" title={visibleName(path)}>
          /{visibleName(path)}
        </code>
        <CopyButton text={`/${path}`} label="Copy the path" />
        {text !== undefined && <span className="preview-note">{noteOn(text)}</span>}
        <Button variant="quiet" onClick={() => void saveFile(files, path)}>
          Save…
        </Button>
        <IconButton label="Close the text" onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </header>
      {state.load === 'failed' && <PreviewError error={state.error} />}
      {text !== undefined && <PreviewText text={text} />}
    </section>
  )
}

function noteOn({ asked, path, size, complete }: AskedText): string {
  const link = path === asked ? '' : `→ /${visibleName(path)} · `
  return `${link}${formatBytes(size)}${complete ? '' : ', the beginning'}`
}

function PreviewText({ text: { text, size } }: { readonly text: AskedText }): ReactNode {
  if (text === undefined)
    return <p className="preview-none">This file is no text. Save it to open it elsewhere.</p>
  if (size === 0) return <p className="preview-none">This file is empty.</p>
  return (
    // Scrolled by keys, too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="preview-text" tabIndex={0}>
      {visibleText(text)}
    </pre>
  )
}

function PreviewError({ error }: { readonly error: unknown }): ReactNode {
  const { message, hint } = errorText(error)
  return (
    <p className="preview-none" role="alert">
      {message} {hint}
    </p>
  )
}
