// SPDX-License-Identifier: Apache-2.0
// Calls about registries: logins and settings. Passwords come in here and go nowhere but to the engine.
import type { Engine } from '../engine'
import type { IpcHandlers } from './handle'
import type { Operations } from './operations'

export interface RegistriesDeps {
  engine(): Promise<Pick<Engine, 'logins' | 'registrySettings'>>
  readonly operations: Operations
}

type RegistriesHandlers = Pick<IpcHandlers, Extract<keyof IpcHandlers, `registries.${string}`>>

export function registriesHandlers(deps: RegistriesDeps): RegistriesHandlers {
  const logins = async (): Promise<Engine['logins']> => (await deps.engine()).logins
  const settings = async (): Promise<Engine['registrySettings']> =>
    (await deps.engine()).registrySettings
  return {
    'registries.logins': async () => (await logins()).list(),
    'registries.login': ({ operationId, ...request }) =>
      deps.operations.run(operationId, async ({ signal }) =>
        (await logins()).login({ ...request, signal }),
      ),
    'registries.logout': async ({ registry }) => void (await (await logins()).logout(registry)),
    'registries.settings': async () => (await settings()).list(),
    'registries.addSetting': async ({ setting }) => (await settings()).add(setting),
    'registries.removeSetting': async ({ setting }) => (await settings()).remove(setting),
    'registries.daemons': async () => (await settings()).daemons(),
    'registries.askDaemons': async ({ isAsked }) => (await settings()).askDaemons(isAsked),
  }
}
