// SPDX-License-Identifier: Apache-2.0
// Opens the SSH connection into a guest: a stream through gvproxy, our key, the pinned host key.
//
// Always: the guest is hostile. Its host key must be the one we made for it, and nothing it sends
// is buffered beyond SSH's own windows.
// Not here: what a connection can do (ssh2-connection.ts), and waiting for a machine to boot.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import type { Client, ConnectConfig } from 'ssh2'
import { openTunnel } from '../../../native-runner/net/tunnel'
import { MicrovmError } from '../../contract/errors'
import type { RunnerResult } from '../../contract/runner-rpc'
import type { GuestConnection } from './guest-connection'
import type { VmKeys } from './keys'
import { wrapClient } from './ssh2-connection'

export interface ConnectDeps {
  /** A raw stream to a TCP port of the guest, through gvproxy's API socket. */
  openTunnel(
    apiSocket: string,
    ip: string,
    port: number,
    options: { signal?: AbortSignal },
  ): Promise<Duplex>
}

export const throughGvproxy: ConnectDeps = { openTunnel }

export type SshEndpoint = RunnerResult<'sshEndpoint'>

export interface ConnectOptions {
  /** Milliseconds until the last try; 10 s unless given (SPEC "ssh"). */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

const DIAL_TIMEOUT_MS = 10_000
const RETRY_MS = 200
/** One handshake; a guest under emulation on a loaded host can be slow. */
const HANDSHAKE_TIMEOUT_MS = 30_000

/**
 * Connects and logs in as root. A guest whose sshd is not there yet is tried again every 200 ms.
 * @throws SSH_FAILED when the time is up, the host key is not the pinned one, or our key is refused
 *   (the latter two at once); CANCELLED
 */
export async function connectGuest(
  deps: ConnectDeps,
  endpoint: SshEndpoint,
  keys: Pick<VmKeys, 'clientKey' | 'hostKeyBlob'>,
  options: ConnectOptions = {},
): Promise<GuestConnection> {
  const deadline = Date.now() + (options.timeoutMs ?? DIAL_TIMEOUT_MS)
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      return await dialOnce(deps, endpoint, keys, options.signal)
    } catch (error) {
      if (isFinal(error) || Date.now() + RETRY_MS > deadline) throw inContext(error)
    }
    await sleep(RETRY_MS, undefined, options.signal ? { signal: options.signal } : {})
  }
}

/** Trying again cannot help. */
class RefusedError extends MicrovmError {}

const isFinal = (error: unknown): boolean =>
  error instanceof RefusedError || MicrovmError.from(error).code === 'CANCELLED'

function inContext(error: unknown): MicrovmError {
  const { code, message, hint } = MicrovmError.from(error)
  if (code === 'CANCELLED') return MicrovmError.from(error)
  return new MicrovmError('SSH_FAILED', `connect to the machine's shell: ${message}`, {
    hint: hint ?? 'See the machine’s console log for what its sshd said.',
    cause: error,
  })
}

async function dialOnce(
  deps: ConnectDeps,
  endpoint: SshEndpoint,
  keys: Pick<VmKeys, 'clientKey' | 'hostKeyBlob'>,
  signal: AbortSignal | undefined,
): Promise<GuestConnection> {
  // Loaded late: the CLI's other commands start faster without it.
  const [{ default: ssh2 }, stream] = await Promise.all([
    import('ssh2'),
    deps.openTunnel(
      endpoint.apiSocket,
      endpoint.guestIp,
      endpoint.guestPort,
      signal ? { signal } : {},
    ),
  ])
  const client = new ssh2.Client()
  const pinned = { checked: false, matches: false }
  const config: ConnectConfig = {
    sock: stream,
    username: 'root',
    privateKey: keys.clientKey,
    readyTimeout: HANDSHAKE_TIMEOUT_MS,
    hostVerifier: (key: Buffer) => {
      pinned.checked = true
      pinned.matches = key.equals(keys.hostKeyBlob)
      return pinned.matches
    },
    algorithms: {
      serverHostKey: ['ecdsa-sha2-nistp256'],
      // The quickest that dropbear has: a guest may well be emulated.
      kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
      hmac: ['hmac-sha2-256'],
      // First what Node's own crypto does fast.
      cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
      compress: ['none'],
    },
  }
  try {
    await handshake(client, config, signal)
  } catch (error) {
    client.destroy()
    stream.destroy()
    if (pinned.checked && !pinned.matches) throw hostKeyChanged()
    throw error
  }
  return wrapClient(client)
}

function handshake(
  client: Client,
  config: ConnectConfig,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const onAbort = (): void => reject(MicrovmError.from(signal?.reason))
    const settle = (act: () => void): void => {
      signal?.removeEventListener('abort', onAbort)
      act()
    }
    client.once('ready', () => settle(resolve))
    // `on`, not `once`: a second error after the first must not be unhandled.
    client.on('error', (error: Error & { level?: string }) =>
      settle(() => reject(error.level === 'client-authentication' ? keyRefused(error) : error)),
    )
    client.once('close', () => settle(() => reject(new Error('the guest closed the connection'))))
    signal?.addEventListener('abort', onAbort, { once: true })
    client.connect(config)
  })
}

function hostKeyChanged(): MicrovmError {
  return new RefusedError('SSH_FAILED', 'the host key is not the one made for this machine', {
    hint: 'Something inside the machine replaced its sshd. If that was not you, do not trust it; else restart it.',
  })
}

function keyRefused(cause: Error): MicrovmError {
  return new RefusedError('SSH_FAILED', 'the machine does not accept our key', {
    hint: 'Restart the machine: its keys are put in place at each start.',
    cause,
  })
}
