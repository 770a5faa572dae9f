// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { backendNameSchema } from '../../../../contract/vm-spec'
import { useHost } from '../../../app/host-store'
import { backendTitles } from '../backend-name'
import { Field } from './field'
import type { DraftState } from './use-draft'

/** What runs the machine; the app's choice unless the user has a reason. */
export function BackendField({ state }: { readonly state: DraftState }): ReactNode {
  const { draft, edit, errorOf } = state
  const usual = useHost((host) => host.report?.backend)
  const best = usual === undefined ? '' : `: ${backendTitles[usual.name]}`
  return (
    <Field label="Backend" error={errorOf('backend')}>
      {(ids) => (
        <select
          {...ids}
          value={draft.backend}
          onChange={({ target }) =>
            edit({ backend: backendNameSchema.safeParse(target.value).data ?? '' })
          }
        >
          <option value="">The best that works here{best}</option>
          {backendNameSchema.options.map((name) => (
            <option key={name} value={name}>
              {backendTitles[name]}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
