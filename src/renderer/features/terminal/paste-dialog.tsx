// SPDX-License-Identifier: Apache-2.0
import { useState, type ReactNode } from 'react'
import { ConfirmDialog } from '../../ui/dialog'
import { formatPlural } from '../../ui/format'
import { setPreferences } from '../settings/preferences'
import { pastePreview } from './paste'
import { askPaste, usePasteQuestion, type PasteQuestion } from './paste-question'

/** Asks before several lines reach a shell that would run them at once. */
export function PasteDialog(): ReactNode {
  const question = usePasteQuestion((state) => state.question)
  return question === undefined ? null : <Question question={question} />
}

function Question({ question }: { readonly question: PasteQuestion }): ReactNode {
  const [never, setNever] = useState(false)
  const preview = pastePreview(question.text)
  const confirm = (): void => {
    if (never) setPreferences({ askBeforePaste: false })
    askPaste(undefined)
    // After the dialog has given the focus back.
    setTimeout(question.paste)
  }
  return (
    <ConfirmDialog
      title={`Paste ${formatPlural(preview.lines, 'line')}?`}
      action="Paste"
      onConfirm={confirm}
      onClose={() => askPaste(undefined)}
    >
      <p>The shell runs each line as it arrives.</p>
      <pre className="paste-preview">
        {preview.shown.join('\n')}
        {preview.more > 0 && <span>{`\n… ${formatPlural(preview.more, 'more line')}`}</span>}
      </pre>
      <label className="check">
        <input
          type="checkbox"
          checked={never}
          onChange={(event) => setNever(event.target.checked)}
        />
        Do not ask again
      </label>
    </ConfirmDialog>
  )
}
