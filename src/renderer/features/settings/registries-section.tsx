// SPDX-License-Identifier: Apache-2.0
// Who is signed in to which registry, and how registries are reached.
import { useEffect, useState, type ReactNode } from 'react'
import type { DaemonSetting, RegistryLogin } from '../../../contract/registries'
import { call } from '../../api/client'
import { Button } from '../../ui/button'
import { ErrorPanel, SkeletonRows } from '../../ui/feedback'
import { Switch } from '../../ui/switch'
import { orToast } from '../../ui/toast-store'
import { loadLogins, useLogins } from './login-store'
import { MirrorSettings, PlainHttpSettings } from './registry-settings'
import { askDaemons, loadSettings, useRegistrySettings } from './registry-settings-store'
import { askToSignIn } from './sign-in-store'

export function RegistriesSection(): ReactNode {
  return (
    <section aria-labelledby="registry-settings">
      <h2 id="registry-settings">Registries</h2>
      <Logins />
      <ReachingThem />
    </section>
  )
}

function Logins(): ReactNode {
  const { logins, error } = useLogins()
  useEffect(() => void loadLogins(), [])
  return (
    <div className="setting-group" role="group" aria-labelledby="logins">
      <div className="setting-head">
        <h3 id="logins">Signed in</h3>
        <Button onClick={() => askToSignIn({})}>Sign in…</Button>
      </div>
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
    </div>
  )
}

function ReachingThem(): ReactNode {
  const { settings, daemons, error } = useRegistrySettings()
  useEffect(() => void loadSettings(), [])
  if (error !== undefined)
    return (
      <ErrorPanel title="The settings for registries could not be read" error={error}>
        <Button onClick={() => void loadSettings()}>Try again</Button>
      </ErrorPanel>
    )
  if (settings === undefined || daemons === undefined) return <SkeletonRows rows={2} />
  return (
    <>
      <Daemons daemons={daemons} />
      <MirrorSettings settings={settings} />
      <PlainHttpSettings settings={settings} />
    </>
  )
}

function Daemons({ daemons }: { readonly daemons: DaemonSetting }): ReactNode {
  const { isAsked, fromEnvironment } = daemons
  return (
    <Switch
      label="Ask Docker and Podman on this computer first"
      note={
        fromEnvironment
          ? 'Set by the environment this app was started in'
          : 'For images that are not here when a machine is made. Pull always asks the registry.'
      }
      checked={isAsked}
      disabled={fromEnvironment}
      onChange={(checked) => void askDaemons(checked)}
    />
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
        <span className="cut" title={registry}>
          {registry}
        </span>
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
