// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { quoteWord } from '../cli-command'
import type { Draft } from './draft'
import { Field } from './field'
import { Section } from './section'
import type { DraftState } from './use-draft'

const fields = ['command', 'env', 'user', 'workdir'] as const

export function CommandSection({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf } = state
  const wrong = fields.some((field) => errorOf(field) !== undefined)
  return (
    <Section title="Command, environment" summary={summary(draft)} wrong={wrong}>
      <CommandFields state={state} />
      <Field label="Environment" error={errorOf('env')}>
        {(ids) => (
          <textarea
            {...ids}
            rows={3}
            spellCheck={false}
            placeholder={'NAME=value\nOTHER=value'}
            value={draft.env}
            onChange={(event) => edit({ env: event.target.value })}
          />
        )}
      </Field>
      <TextField
        state={state}
        field="user"
        label="User"
        usual={state.image?.config.user || 'root'}
      />
      <TextField
        state={state}
        field="workdir"
        label="Directory"
        usual={state.image?.config.workdir || '/'}
      />
      <label className="check field-check">
        <input
          type="checkbox"
          checked={draft.autoRemove}
          onChange={(event) => edit({ autoRemove: event.target.checked })}
        />
        Delete the machine when it stops
      </label>
    </Section>
  )
}

function CommandFields({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf, image } = state
  const own = [...(image?.config.entrypoint ?? []), ...(image?.config.cmd ?? [])]
  const usual = own.length === 0 ? 'the image’s own' : own.map(quoteWord).join(' ')
  return (
    <>
      <Field label="Command" error={errorOf('command')}>
        {(ids) => (
          <input
            {...ids}
            type="text"
            className="mono"
            spellCheck={false}
            disabled={draft.idle}
            placeholder={draft.idle ? 'none' : usual}
            value={draft.idle ? '' : draft.command}
            onChange={(event) => edit({ command: event.target.value })}
          />
        )}
      </Field>
      <label className="check field-check">
        <input
          type="checkbox"
          checked={draft.idle}
          onChange={(event) => edit({ idle: event.target.checked })}
        />
        Run no command: the machine waits for shells
      </label>
    </>
  )
}

interface TextFieldProps {
  readonly state: DraftState
  readonly field: 'user' | 'workdir'
  readonly label: string
  /** What holds if nothing is typed. */
  readonly usual: string
}

function TextField({ state, field, label, usual }: TextFieldProps): ReactNode {
  return (
    <Field label={label} error={state.errorOf(field)}>
      {(ids) => (
        <input
          {...ids}
          type="text"
          className="mono"
          spellCheck={false}
          placeholder={usual}
          value={state.draft[field]}
          onChange={(event) => state.edit({ [field]: event.target.value })}
        />
      )}
    </Field>
  )
}

function summary(draft: Draft): string {
  const count = draft.env.split('\n').filter((line) => line.includes('=')).length
  const parts = [
    draft.idle ? 'no command' : draft.command,
    count > 0 ? `${count} set` : '',
    draft.user,
    draft.workdir,
    draft.autoRemove ? 'deleted when it stops' : '',
  ]
  return parts.filter(Boolean).join('  ·  ') || 'the image’s own'
}
