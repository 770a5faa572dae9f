// SPDX-License-Identifier: Apache-2.0
// Changing what is set about registries (registry-settings.ts), one thing at a time. Only the file is ever
// written; what it holds beside these stays. Nothing is added that would not work.
import { MicrovmError } from '../../../contract/errors'
import type {
  DaemonSetting,
  RegistrySetting,
  RegistrySettingView,
} from '../../../contract/registries'
import { writeFileAtomic } from '../../lib/atomic-file'
import { withFileLock } from '../../lib/file-lock'
import { quote } from '../digest'
import { readRegistryName } from './registry-name'
import { isLoopback } from './registry-network'
import {
  readRegistrySettings,
  readSettingsFile,
  settingsOfEnvironment,
  type RegistrySettings,
} from './registry-settings'

export interface RegistrySettingsEditor {
  /** Those of the environment first. @throws INVALID_ARGUMENT for a file that is not understood */
  list(): Promise<RegistrySettingView[]>
  /** @throws INVALID_ARGUMENT for what cannot be, ALREADY_EXISTS */
  add(setting: RegistrySetting): Promise<void>
  /** Without effect if it is not there. */
  remove(setting: RegistrySetting): Promise<void>
  /** @throws INVALID_ARGUMENT for a file that is not understood */
  daemons(): Promise<DaemonSetting>
  askDaemons(isAsked: boolean): Promise<void>
}

export interface EditSettingsDeps {
  readonly path: string
  readonly lockPath: string
  readonly env: NodeJS.ProcessEnv
}

export function createRegistrySettingsEditor(deps: EditSettingsDeps): RegistrySettingsEditor {
  const { env, lockPath, path } = deps
  const change = (edit: (file: RegistrySettings) => RegistrySettings): Promise<void> =>
    withFileLock(lockPath, async () => {
      const changed = edit(await readSettingsFile(path))
      await writeFileAtomic(path, `${JSON.stringify(changed, null, 2)}\n`)
    })
  return {
    list: async () => [
      ...settingsIn(settingsOfEnvironment(env)).map((one) => ({ ...one, fromEnvironment: true })),
      ...settingsIn(await readSettingsFile(path)).map((one) => ({
        ...one,
        fromEnvironment: false,
      })),
    ],
    add: async (setting) => {
      const { plainHttp } = await readRegistrySettings(path, env)
      const sound = setting.kind === 'mirror' ? soundMirror(setting, plainHttp) : soundHost(setting)
      await change((file) => {
        if (settingsIn(file).some((other) => isSame(other, sound)))
          throw new MicrovmError('ALREADY_EXISTS', `this is set for ${sound.registry} already`)
        return withSetting(file, sound)
      })
    },
    remove: (setting) => change((file) => withoutSetting(file, setting)),
    daemons: async () => ({
      isAsked: (await readRegistrySettings(path, env)).daemons ?? true,
      fromEnvironment: settingsOfEnvironment(env).daemons !== undefined,
    }),
    askDaemons: (daemons) => change((file) => ({ ...file, daemons })),
  }
}

function settingsIn({ mirrors, plainHttp }: RegistrySettings): RegistrySetting[] {
  return [
    ...Object.entries(mirrors).flatMap(([registry, addresses]) =>
      addresses.map((address) => ({ kind: 'mirror' as const, registry, address })),
    ),
    ...plainHttp.map((registry) => ({ kind: 'plain-http' as const, registry })),
  ]
}

function withSetting(file: RegistrySettings, setting: RegistrySetting): RegistrySettings {
  const { registry } = setting
  if (setting.kind === 'plain-http') return { ...file, plainHttp: [...file.plainHttp, registry] }
  const addresses = [...(file.mirrors[registry] ?? []), setting.address]
  return { ...file, mirrors: { ...file.mirrors, [registry]: addresses } }
}

function withoutSetting(file: RegistrySettings, setting: RegistrySetting): RegistrySettings {
  const left = settingsIn(file).filter((other) => !isSame(other, setting))
  return left.reduce(withSetting, { ...file, mirrors: {}, plainHttp: [] })
}

const isSame = (a: RegistrySetting, b: RegistrySetting): boolean =>
  a.kind === b.kind &&
  a.registry === b.registry &&
  (a.kind === 'mirror' ? a.address : '') === (b.kind === 'mirror' ? b.address : '')

/** @param plainHttp hosts that may be reached without encryption */
function soundMirror(
  { registry, address: text }: Extract<RegistrySetting, { kind: 'mirror' }>,
  plainHttp: readonly string[],
): RegistrySetting {
  const full = text.includes('://') ? text : `https://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const isBare = url && `${url.username}${url.password}${url.search}${url.hash}` === ''
  if (!isBare || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new MicrovmError('INVALID_ARGUMENT', `${quote(text)} is no address of a mirror`, {
      hint: 'It looks like https://mirror.example or, with a prefix, https://mirror.example/hub. A login for it goes under “Sign in”.',
    })
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !plainHttp.includes(url.host))
    throw new MicrovmError('INVALID_ARGUMENT', `${url.host} would be reached without encryption`, {
      hint: 'Use https, or allow plain HTTP for it first.',
    })
  const address = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  return { kind: 'mirror', registry: readRegistryName(registry), address }
}

function soundHost({
  registry: text,
}: Extract<RegistrySetting, { kind: 'plain-http' }>): RegistrySetting {
  const registry = readRegistryName(text)
  if (registry === 'docker.io')
    throw new MicrovmError('INVALID_ARGUMENT', 'Docker Hub is reached with encryption only')
  if (isLoopback(new URL(`https://${registry}`).hostname))
    throw new MicrovmError('INVALID_ARGUMENT', `${registry} is on this computer`, {
      hint: 'Such a registry can be reached by plain HTTP without any setting.',
    })
  return { kind: 'plain-http', registry }
}
