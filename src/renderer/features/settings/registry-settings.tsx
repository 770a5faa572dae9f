// SPDX-License-Identifier: Apache-2.0
// Mirrors, and registries without encryption: lists one adds to and removes from.
import { useId, useState, type ReactNode, type SubmitEvent } from 'react'
import type { RegistrySetting, RegistrySettingView } from '../../../contract/registries'
import { Button } from '../../ui/button'
import { errorText } from '../../ui/error-text'
import { addSetting, removeSetting } from './registry-settings-store'

interface SettingsProps {
  readonly settings: readonly RegistrySettingView[]
}

export function MirrorSettings({ settings }: SettingsProps): ReactNode {
  return (
    <SettingGroup
      title="Mirrors"
      note="Asked before the registry itself, in this order. A login is never sent to a mirror but its own."
      settings={settings.filter(({ kind }) => kind === 'mirror')}
      fields={[
        {
          name: 'registry',
          label: 'Mirror of registry',
          placeholder: 'docker.io',
          initial: 'docker.io',
        },
        { name: 'address', label: 'Address of the mirror', placeholder: 'https://mirror.example' },
      ]}
      read={(field) => ({
        kind: 'mirror',
        registry: field('registry'),
        address: field('address'),
      })}
    />
  )
}

export function PlainHttpSettings({ settings }: SettingsProps): ReactNode {
  return (
    <SettingGroup
      title="Without encryption"
      note="Reached by plain HTTP. Whoever is on the way can read along and change what has no digest."
      settings={settings.filter(({ kind }) => kind === 'plain-http')}
      fields={[
        {
          name: 'registry',
          label: 'Registry without encryption',
          placeholder: 'registry.lan:5000',
        },
      ]}
      read={(field) => ({ kind: 'plain-http', registry: field('registry') })}
    />
  )
}

interface SettingField {
  readonly name: string
  readonly label: string
  readonly placeholder: string
  readonly initial?: string
}

interface GroupProps extends SettingsProps {
  readonly title: string
  readonly note: string
  readonly fields: readonly SettingField[]
  readonly read: (field: (name: string) => string) => RegistrySetting
}

function SettingGroup({ title, note, settings, fields, read }: GroupProps): ReactNode {
  const id = useId()
  return (
    <div className="setting-group" role="group" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <p className="fine">{note}</p>
      {settings.map((setting) => (
        <SettingRow key={textOf(setting)} setting={setting} />
      ))}
      <AddForm title={title} fields={fields} read={read} />
    </div>
  )
}

const textOf = (setting: RegistrySetting): string =>
  setting.kind === 'mirror' ? `${setting.registry} → ${setting.address}` : setting.registry

function SettingRow({ setting }: { readonly setting: RegistrySettingView }): ReactNode {
  const text = textOf(setting)
  return (
    <div className="setting" data-testid="registry-setting">
      <span className="setting-text">
        <span className="cut" title={text}>
          {text}
        </span>
        {setting.fromEnvironment && (
          <span className="fine">Set by the environment this app was started in</span>
        )}
      </span>
      {!setting.fromEnvironment && (
        <Button aria-label={`Remove ${text}`} onClick={() => void removeSetting(setting)}>
          Remove
        </Button>
      )}
    </div>
  )
}

function AddForm({
  title,
  fields,
  read,
}: Pick<GroupProps, 'title' | 'fields' | 'read'>): ReactNode {
  const [error, setError] = useState<unknown>()
  const id = useId()
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const setting = read((name) => {
      const value = data.get(name)
      return typeof value === 'string' ? value.trim() : ''
    })
    try {
      await addSetting(setting)
      setError(undefined)
      form.reset()
    } catch (failure) {
      setError(failure)
    }
  }
  const isWrong = error !== undefined
  return (
    <form aria-label={`Add to: ${title}`} onSubmit={(event) => void submit(event)}>
      <div className="add-setting">
        {fields.map(({ name, label, placeholder, initial }) => (
          <input
            key={name}
            type="text"
            name={name}
            aria-label={label}
            aria-invalid={isWrong}
            aria-describedby={isWrong ? id : undefined}
            placeholder={placeholder}
            defaultValue={initial}
            required
            maxLength={name === 'address' ? 2048 : 255}
            autoComplete="off"
            spellCheck={false}
            onInput={() => setError(undefined)}
          />
        ))}
        <Button type="submit">Add</Button>
      </div>
      {isWrong && (
        <p className="setting-error" id={id} role="alert">
          {Object.values(errorText(error)).join('. ').replaceAll('..', '.')}
        </p>
      )}
    </form>
  )
}
