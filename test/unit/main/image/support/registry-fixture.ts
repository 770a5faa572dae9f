// SPDX-License-Identifier: Apache-2.0
// Scripted registries of one test, and clients of them; all closed when the test ends.
import { afterEach } from 'vitest'
import { parseReference } from '../../../../../src/main/image/reference'
import {
  registryAccess,
  RegistryClient,
  type RegistryAccess,
} from '../../../../../src/main/image/registry-client'
import { startServer, type Answer, type ScriptedServer } from './scripted-registry'

const servers: ScriptedServer[] = []
const clients: RegistryClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const server of servers.splice(0)) await server.close()
})

export async function serve(answer: Answer): Promise<ScriptedServer> {
  const server = await startServer(answer)
  servers.push(server)
  return server
}

/** A client that does not wait between tries, but tells how long it would have. */
export function clientOf({ host }: ScriptedServer, access: Partial<RegistryAccess> = {}) {
  const waits: number[] = []
  const sleep = async (ms: number): Promise<void> => void waits.push(ms)
  const whole = { ...registryAccess(parseReference(`${host}/acme/app`)), ...access }
  const client = new RegistryClient(whole, { sleep })
  clients.push(client)
  return { client, waits }
}

export async function readAllOf(blob: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of blob) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (_request, response) =>
    void response.writeHead(code, headers).end(body)

/** Answers in this order, the last one ever after. */
export function inTurn(...answers: Answer[]): Answer {
  let turn = 0
  return (request, response) => answers[Math.min(turn++, answers.length - 1)]!(request, response)
}
