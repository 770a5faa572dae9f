// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { diskDevice, vmLimits } from '../../../../contract/vm-spec'
import { call } from '../../../api/client'
import { Button, IconButton } from '../../../ui/button'
import { CloseIcon } from '../../../ui/icons'
import { PathText } from '../../../ui/path-text'
import { toastError } from '../../../ui/toast-store'
import type { DiskDraft } from './draft'
import { Section } from './section'
import type { DraftState } from './use-draft'

const HELP =
  'A file is used where it is: what the machine writes is in it. Of a download that it may write, the machine gets a copy, deleted with it.'

/** Disks beside the machine's own: files chosen in the system's dialog, or downloads. */
export function DisksSection({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf } = state
  const { disks } = draft
  const errors = disks.map((_, index) =>
    (['source', 'sha256', 'guestPath'] as const)
      .map((field) => errorOf(`disks.${index}.${field}`))
      .find((error) => error !== undefined),
  )
  const add = (source: string, isFile: boolean): void => {
    const added = { id: crypto.randomUUID(), source, isFile, guestPath: '', readOnly: true }
    edit({ disks: [...disks, added] })
  }
  const choose = async (): Promise<void> => {
    const path = await call('app.chooseDisk')
    if (path !== null) add(path, true)
  }
  const full = disks.length >= vmLimits.disks
  return (
    <Section
      title="Disks"
      summary={summary(disks)}
      wrong={errors.some((error) => error !== undefined)}
    >
      {disks.map((disk, index) => (
        <DiskRow
          key={disk.id}
          disk={disk}
          device={diskDevice(index)}
          error={errors[index]}
          onChange={(changed) => edit({ disks: disks.with(index, changed) })}
          onRemove={() => edit({ disks: disks.toSpliced(index, 1) })}
        />
      ))}
      {disks.length > 0 && <p className="disk-help">{HELP}</p>}
      <div className="port-buttons">
        <Button
          disabled={full}
          onClick={() =>
            void choose().catch((error: unknown) => toastError('No disk was chosen', error))
          }
        >
          Add a disk file…
        </Button>
        <Button disabled={full} onClick={() => add('', false)}>
          Add one from the web
        </Button>
      </div>
    </Section>
  )
}

function summary(disks: readonly DiskDraft[]): string {
  const each = disks.map(
    ({ guestPath, readOnly }, index) =>
      `${guestPath.trim() || diskDevice(index)}${readOnly ? ' (read-only)' : ''}`,
  )
  return each.join(', ') || 'none but its own'
}

interface DiskRowProps {
  readonly disk: DiskDraft
  readonly device: string
  readonly error: string | undefined
  readonly onChange: (disk: DiskDraft) => void
  readonly onRemove: () => void
}

function DiskRow({ disk, device, error, onChange, onRemove }: DiskRowProps): ReactNode {
  const { source, isFile, guestPath, readOnly } = disk
  return (
    <div className="folder-row">
      {isFile ? (
        <PathText path={source} />
      ) : (
        <input
          // A row added empty is typed into at once.
          autoFocus={source === ''}
          type="url"
          className="mono"
          spellCheck={false}
          aria-label={`Where ${device} is downloaded from`}
          aria-invalid={error !== undefined}
          placeholder="https://example.org/disk.img.xz"
          title="A checksum may follow: #sha256=…"
          value={source}
          onChange={(event) => onChange({ ...disk, source: event.target.value })}
        />
      )}
      <span aria-hidden>→</span>
      <input
        type="text"
        className="mono"
        spellCheck={false}
        aria-label={`Where ${device} is mounted`}
        aria-invalid={error !== undefined}
        placeholder={`${device} only`}
        value={guestPath}
        onChange={(event) => onChange({ ...disk, guestPath: event.target.value })}
      />
      <label className="check">
        <input
          type="checkbox"
          checked={readOnly}
          onChange={(event) => onChange({ ...disk, readOnly: event.target.checked })}
        />
        Read-only
      </label>
      <IconButton label={`Remove ${device}`} onClick={onRemove}>
        <CloseIcon />
      </IconButton>
      {error !== undefined && <p className="field-error">{error}</p>}
    </div>
  )
}
