// SPDX-License-Identifier: Apache-2.0
// Who is signed in to which registry; signing in and out. A password lives in its field until the
// registry has answered, and nowhere else in the window.
import { useEffect, useState, type ReactNode, type SubmitEvent } from 'react'
import type { RegistryLogin } from '../../../contract/registries'
import { call } from '../../api/client'
import { runOperation } from '../../api/operations'
import { Button } from '../../ui/button'
import { ErrorPanel, SkeletonRows } from '../../ui/feedback'
import { orToast } from '../../ui/toast-store'
import { loadLogins, useLogins } from './login-store'

const HUB = 'docker.io'

export function RegistriesSection(): ReactNode {
  const { logins, error } = useLogins()
  const [isAdding, setAdding] = useState(false)
  useEffect(() => void loadLogins(), [])
  return (
    <section aria-labelledby="registry-settings">
      <h2 id="registry-settings">Registries</h2>
      {error !== undefined && (
        <ErrorPanel title="Logins could not be listed" error={error}>
          <Button onClick={() => void loadLogins()}>Try again</Button>
        </ErrorPanel>
      )}
      {logins === undefined && error === undefined && <SkeletonRows rows={1} />}
      {logins?.length === 0 && (
        <p className="fine">Not signed in anywhere. Public images need no login.</p>
      )}
      {logins?.map((login) => (
        <LoginRow key={login.registry} login={login} />
      ))}
      {isAdding ? (
        <LoginForm
          onDone={() => {
            setAdding(false)
            void loadLogins()
          }}
          onCancel={() => setAdding(false)}
        />
      ) : (
        <Button className="add-login" onClick={() => setAdding(true)}>
          Sign in to a registry
        </Button>
      )}
    </section>
  )
}

function LoginRow({ login }: { readonly login: RegistryLogin }): ReactNode {
  const { keeper, lasting, registry, username } = login
  const [isLeaving, setLeaving] = useState(false)
  const leave = async (): Promise<void> => {
    setLeaving(true)
    await orToast(`Still signed in to ${registry}`, call('registries.logout', { registry }))
    await loadLogins()
    setLeaving(false)
  }
  return (
    <div className="setting" data-testid="login">
      <span className="setting-text">
        {registry}
        <span className="fine">
          {username === '' ? 'With a token' : username}
          {keeper === 'docker' && ' · shared with docker'}
          {!lasting && ' · until the app quits: this system keeps no key to seal it with'}
        </span>
      </span>
      <Button
        disabled={isLeaving}
        aria-label={`Sign out of ${registry}`}
        onClick={() => void leave()}
      >
        Sign out
      </Button>
    </div>
  )
}

interface LoginFormProps {
  readonly onDone: () => void
  readonly onCancel: () => void
}

function LoginForm({ onCancel, onDone }: LoginFormProps): ReactNode {
  const [isAsking, setAsking] = useState(false)
  const [error, setError] = useState<unknown>()
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const field = (name: string): string => {
      const value = form.get(name)
      return typeof value === 'string' ? value : ''
    }
    const registry = field('registry').trim()
    const login = { registry, username: field('username'), password: field('password') }
    setAsking(true)
    setError(undefined)
    try {
      const done = await runOperation('login', `Signing in to ${registry}`, (operationId) =>
        call('registries.login', { ...login, operationId }),
      )
      if (done !== undefined) onDone()
    } catch (failure) {
      setError(failure)
    } finally {
      setAsking(false)
    }
  }
  return (
    <form
      className="login-form"
      aria-label="Sign in to a registry"
      onSubmit={(event) => void submit(event)}
    >
      <Field label="Registry" name="registry" initial={HUB} />
      <Field label="User name" name="username" autoFocus />
      <Field label="Password or access token" name="password" isSecret />
      {error !== undefined && <ErrorPanel title="Not signed in" error={error} />}
      <div className="login-actions">
        <Button onClick={onCancel}>Cancel</Button>
        <Button variant="primary" type="submit" disabled={isAsking}>
          {isAsking ? 'Signing in…' : 'Sign in'}
        </Button>
      </div>
    </form>
  )
}

interface FieldProps {
  readonly label: string
  readonly name: string
  readonly initial?: string
  readonly isSecret?: boolean
  readonly autoFocus?: boolean
}

function Field({
  autoFocus = false,
  initial,
  isSecret = false,
  label,
  name,
}: FieldProps): ReactNode {
  return (
    <label className="login-field">
      {label}
      <input
        type={isSecret ? 'password' : 'text'}
        name={name}
        defaultValue={initial}
        autoFocus={autoFocus}
        required
        maxLength={isSecret ? 16_384 : 255}
        autoComplete="off"
        spellCheck={false}
      />
    </label>
  )
}
