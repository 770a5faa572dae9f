// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { Field } from './field'
import type { DraftState } from './use-draft'

export function NameField({ state }: { readonly state: DraftState }): ReactNode {
  return (
    <Field label="Name" error={state.errorOf('name')}>
      {(ids) => (
        <input
          {...ids}
          type="text"
          spellCheck={false}
          autoComplete="off"
          value={state.draft.name}
          onChange={(event) => state.edit({ name: event.target.value })}
        />
      )}
    </Field>
  )
}
