// SPDX-License-Identifier: Apache-2.0
// The commands about registries: login, logout. Logins are docker's: its config and its helpers.
import { usage } from './arguments'
import type { CommandContext } from './context'
import { exitCodes } from './exit-codes'
import { ask, askHidden, readStdin } from './questions'

const HUB = 'docker.io'

export interface LoginOptions {
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly plainHttp?: boolean
}

export async function login(
  context: CommandContext,
  registry: string = HUB,
  { passwordStdin = false, plainHttp = false, username: given }: LoginOptions,
): Promise<number> {
  const { cancel, output, terminal } = context
  if (passwordStdin && given === undefined)
    throw usage('--password-stdin needs a user name', 'Give it with --username NAME.')
  if (!passwordStdin && !terminal.stdin.isTTY)
    throw usage('there is no terminal to ask for the password', 'Give it with --password-stdin.')
  const username = given ?? (await ask(terminal, 'User name: ', cancel))
  const password = passwordStdin
    ? (await readStdin(terminal)).replace(/\r?\n$/, '')
    : await askHidden(terminal, 'Password: ', cancel)
  const { logins } = await context.engine()
  const done = await logins.login({ registry, username, password, plainHttp, signal: cancel })
  output.result(done, `Signed in to ${done.registry} as ${done.username}`)
  return exitCodes.ok
}

export async function logout(context: CommandContext, registry: string = HUB): Promise<number> {
  const { logins } = await context.engine()
  const removed = await logins.logout(registry)
  const text = removed ? `Signed out of ${registry}` : `Nobody was signed in to ${registry}`
  context.output.result({ registry, removed }, text)
  return exitCodes.ok
}
