// SPDX-License-Identifier: Apache-2.0
// Docker's credential helpers (docker/docker-credential-helpers): programs called
// docker-credential-NAME that take an action as argument, its input on stdin, and answer on stdout.
// They are found in PATH and started without a shell, with a time limit and a bound on their output.
import { spawn } from 'node:child_process'
import { z } from 'zod'
import { MicrovmError } from '../../../contract/errors'
import type { Credential } from './credentials'
import { quote } from '../digest'

/** Long enough for a person to unlock a key ring. */
const TIMEOUT_MS = 30_000
const MAX_OUTPUT_BYTES = 64 * 1024
/** The user name that says the secret is an identity token. */
const TOKEN_USER = '<token>'
const NOT_FOUND = 'credentials not found in native keychain'

const secretSchema = z.object({ Username: z.string(), Secret: z.string() })
const listSchema = z.record(z.string(), z.string())

export interface HelperDeps {
  readonly env: NodeJS.ProcessEnv
  /** Given by tests. */
  readonly timeoutMs?: number
}

export class CredentialHelper {
  readonly #name: string
  readonly #deps: HelperDeps

  /** @param name as in docker's config: "osxkeychain" @throws INVALID_ARGUMENT */
  constructor(name: string, deps: HelperDeps) {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name))
      throw new MicrovmError('INVALID_ARGUMENT', `${quote(name)} is no name of a helper`, {
        hint: 'Check credsStore and credHelpers in docker’s config.json.',
      })
    this.#name = `docker-credential-${name}`
    this.#deps = deps
  }

  async get(server: string): Promise<Credential | undefined> {
    const { code, stdout } = await this.#run('get', server)
    if (code !== 0 && stdout.trim() === NOT_FOUND) return undefined
    this.#check('get', code, stdout)
    const { Username: username, Secret: secret } = this.#parse(stdout, secretSchema)
    if (secret === '') return undefined
    if (username === TOKEN_USER) return { kind: 'identity', token: secret }
    return { kind: 'password', username, password: secret }
  }

  async store(server: string, username: string, password: string): Promise<void> {
    const secret = { ServerURL: server, Username: username, Secret: password }
    const { code, stdout } = await this.#run('store', JSON.stringify(secret))
    this.#check('store', code, stdout)
  }

  async erase(server: string): Promise<void> {
    const { code, stdout } = await this.#run('erase', server)
    if (stdout.trim() !== NOT_FOUND) this.#check('erase', code, stdout)
  }

  /** User names by server. */
  async list(): Promise<Record<string, string>> {
    const { code, stdout } = await this.#run('list', '')
    this.#check('list', code, stdout)
    return this.#parse(stdout, listSchema)
  }

  #check(action: string, code: number | null, stdout: string): void {
    if (code === 0) return
    // What it says when it fails is a message, never a secret.
    const says = stdout.trim() === '' ? '' : `: ${quote(stdout.trim())}`
    throw this.#failed(`failed to ${action}${says}`)
  }

  #parse<T>(stdout: string, schema: z.ZodType<T>): T {
    try {
      return schema.parse(JSON.parse(stdout))
    } catch {
      // Without the cause: it would quote the secret.
      throw this.#failed('gave an answer that is not understood')
    }
  }

  #failed(why: string): MicrovmError {
    return new MicrovmError('PERMISSION_DENIED', `the credential helper ${this.#name} ${why}`, {
      hint: 'Check credsStore and credHelpers in docker’s config.json.',
    })
  }

  async #run(action: string, input: string): Promise<{ code: number | null; stdout: string }> {
    const { env, timeoutMs = TIMEOUT_MS } = this.#deps
    const child = spawn(this.#name, [action], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      windowsHide: true,
    })
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve)
    })
    child.stdin.on('error', () => undefined).end(`${input}\n`)
    const chunks: Buffer[] = []
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_OUTPUT_BYTES) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    const code = await ended.catch((error: NodeJS.ErrnoException) => {
      throw this.#failed(error.code === 'ENOENT' ? 'is not installed' : `failed: ${error.message}`)
    })
    if (bytes > MAX_OUTPUT_BYTES) throw this.#failed('says too much')
    if (code === null) throw this.#failed('did not answer in time')
    return { code, stdout: Buffer.concat(chunks).toString() }
  }
}
