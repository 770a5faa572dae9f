// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { vmLimits } from '../../../../contract/vm-spec'
import { call } from '../../../api/client'
import { Button, IconButton } from '../../../ui/button'
import { CloseIcon } from '../../../ui/icons'
import { PathText } from '../../../ui/path-text'
import { toastError } from '../../../ui/toast-store'
import type { FolderDraft } from './draft'
import { proposedGuestPath } from './guest-path'
import { Section } from './section'
import type { DraftState } from './use-draft'

/** Folders of this computer that the machine may reach: chosen in the system's dialog, never typed. */
export function FoldersSection({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf } = state
  const { mounts } = draft
  const errors = mounts.map(
    (_, index) => errorOf(`mounts.${index}.guestPath`) ?? errorOf(`mounts.${index}.hostPath`),
  )
  const add = async (): Promise<void> => {
    const hostPath = await call('app.chooseFolder')
    if (hostPath === null) return
    const taken = mounts.map(({ guestPath }) => guestPath)
    const guestPath = proposedGuestPath(hostPath, taken)
    const added = { id: crypto.randomUUID(), hostPath, guestPath, readOnly: false }
    edit({ mounts: [...mounts, added] })
  }
  return (
    <Section
      title="Folders"
      summary={summary(mounts)}
      wrong={errors.some((error) => error !== undefined)}
    >
      {mounts.map((folder, index) => (
        <FolderRow
          key={folder.id}
          folder={folder}
          error={errors[index]}
          onChange={(changed) => edit({ mounts: mounts.with(index, changed) })}
          onRemove={() => edit({ mounts: mounts.toSpliced(index, 1) })}
        />
      ))}
      <Button
        disabled={mounts.length >= vmLimits.mounts}
        onClick={() =>
          void add().catch((error: unknown) => toastError('No folder was chosen', error))
        }
      >
        Share a folder…
      </Button>
    </Section>
  )
}

function summary(mounts: readonly FolderDraft[]): string {
  const each = mounts.map(
    ({ guestPath, readOnly }) => `${guestPath || '?'}${readOnly ? ' (read-only)' : ''}`,
  )
  return each.join(', ') || 'none'
}

interface FolderRowProps {
  readonly folder: FolderDraft
  readonly error: string | undefined
  readonly onChange: (folder: FolderDraft) => void
  readonly onRemove: () => void
}

function FolderRow({ folder, error, onChange, onRemove }: FolderRowProps): ReactNode {
  const { hostPath, guestPath, readOnly } = folder
  return (
    <div className="folder-row">
      <PathText path={hostPath} />
      <span aria-hidden>→</span>
      <input
        type="text"
        className="mono"
        spellCheck={false}
        aria-label={`Where ${hostPath} is in the machine`}
        aria-invalid={error !== undefined}
        placeholder="/work"
        value={guestPath}
        onChange={(event) => onChange({ ...folder, guestPath: event.target.value })}
      />
      <label className="check">
        <input
          type="checkbox"
          checked={readOnly}
          onChange={(event) => onChange({ ...folder, readOnly: event.target.checked })}
        />
        Read-only
      </label>
      <IconButton label={`Do not share ${hostPath}`} onClick={onRemove}>
        <CloseIcon />
      </IconButton>
      {error !== undefined && <p className="field-error">{error}</p>}
    </div>
  )
}
