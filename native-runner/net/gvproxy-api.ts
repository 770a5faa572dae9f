// SPDX-License-Identifier: Apache-2.0
// The part of gvproxy's HTTP API (on its Unix socket) that opens and closes host ports.
import { request } from 'node:http'
import { MicrovmError } from '../../src/contract/errors'
import { describePortHolder } from '../../src/main/lib/port-holder'
import type { Forwarder } from './provider'
import { topology } from './topology'

const TIMEOUT_MS = 5000
const MAX_ANSWER_BYTES = 64 * 1024

export function gvproxyForwarder(apiSocket: string): Forwarder {
  return {
    async expose(hostPort, guestPort) {
      const answer = await post(apiSocket, '/services/forwarder/expose', {
        local: local(hostPort),
        remote: `${topology.guest}:${guestPort}`,
        protocol: 'tcp',
      })
      if (answer.status !== 200) throw await refusal(hostPort, answer.text)
    },
    async unexpose(hostPort) {
      const answer = await post(apiSocket, '/services/forwarder/unexpose', {
        local: local(hostPort),
        protocol: 'tcp',
      })
      if (answer.status !== 200)
        throw new MicrovmError('NETWORK_FAILED', `close host port ${hostPort}: ${answer.text}`)
    },
  }
}

const local = (port: number): string => `127.0.0.1:${port}`

async function refusal(hostPort: number, text: string): Promise<MicrovmError> {
  // gvproxy answers 500 with the system's words; "already running" means a forward of its own.
  if (/address already in use|already running/.test(text))
    return new MicrovmError(
      'PORT_IN_USE',
      `host port ${hostPort} is in use${await describePortHolder(hostPort)}`,
      { hint: 'Choose another host port, or 0 for any free one, or stop what uses it.' },
    )
  if (/permission denied/.test(text))
    return new MicrovmError('PERMISSION_DENIED', `host port ${hostPort} may not be opened`, {
      hint: 'Ports below 1024 are for the administrator; choose a higher one.',
    })
  return new MicrovmError('NETWORK_FAILED', `open host port ${hostPort}: ${text}`)
}

function post(
  socketPath: string,
  path: string,
  body: object,
): Promise<{ status: number; text: string }> {
  const failed = (error: Error): MicrovmError =>
    new MicrovmError('NETWORK_FAILED', `gvproxy does not answer: ${error.message}`, {
      cause: error,
    })
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path, method: 'POST', agent: false, timeout: TIMEOUT_MS },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          if (text.length < MAX_ANSWER_BYTES) text += part
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text.trim() }))
        response.on('error', (error) => reject(failed(error)))
      },
    )
    call.on('timeout', () => call.destroy(new Error(`nothing for ${TIMEOUT_MS} ms`)))
    call.on('error', (error) => reject(failed(error)))
    call.end(JSON.stringify(body))
  })
}
