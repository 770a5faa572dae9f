// SPDX-License-Identifier: Apache-2.0
// Has Apple check a signed macOS app and attaches its ticket, where the environment has what that takes; says so where
// it has not. No secret is ever an argument, where every user of the machine could read it.
import { rm } from 'node:fs/promises'
import { command } from '../setup/command.mjs'

/** @typedef {{ args: readonly string[] } | { missing: string }} Credentials */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Credentials} arguments for notarytool
 * @throws {Error} if a key is named only in part
 */
export function notaryCredentials(env) {
  const profile = env['APPLE_KEYCHAIN_PROFILE']
  if (profile) return { args: ['--keychain-profile', profile] }
  const names = ['APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER']
  const absent = names.filter((name) => !env[name])
  if (absent.length === names.length) {
    return { missing: `neither APPLE_KEYCHAIN_PROFILE nor ${names.join(', ')} is set` }
  }
  if (absent.length > 0) throw new Error(`for notarisation, set ${absent.join(', ')} as well`)
  const [key, id, issuer] = names.map((name) => `${env[name]}`)
  return { args: ['--key', `${key}`, '--key-id', `${id}`, '--issuer', `${issuer}`] }
}

/**
 * @param {string} app
 * @param {object} options
 * @param {'identity' | 'ad hoc'} options.signed
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(line: string) => void} options.say
 */
export async function notarise(app, { signed, env, say }) {
  if (signed !== 'identity') {
    say('notarisation skipped: not signed with an identity (MICROVM_SIGN_IDENTITY)')
    return
  }
  const credentials = notaryCredentials(env)
  if ('missing' in credentials) {
    say(`notarisation skipped: ${credentials.missing}`)
    return
  }
  const archive = `${app}.notarise.zip`
  try {
    await command('ditto', ['-c', '-k', '--keepParent', app, archive])
    const submit = ['notarytool', 'submit', archive, '--wait', ...credentials.args]
    await command('xcrun', submit, { timeoutMs: 60 * 60_000 })
    await command('xcrun', ['stapler', 'staple', app])
  } finally {
    await rm(archive, { force: true })
  }
  say('notarised')
}
