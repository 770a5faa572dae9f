// SPDX-License-Identifier: Apache-2.0
// Scripted registries of one test, and clients of them; all closed when the test ends.
import { afterEach } from 'vitest'
import { parseReference } from '../../../../../src/main/image/reference'
import {
  registryAccess,
  type EndpointAccess,
  type RegistryAccess,
} from '../../../../../src/main/image/registry/registry-access'
import {
  RegistryClient,
  type ClientDeps,
} from '../../../../../src/main/image/registry/registry-client'
import { networkSettings } from '../../../../../src/main/image/registry/registry-network'
import type { RegistrySettings } from '../../../../../src/main/image/registry/registry-settings'
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

const noSettings: RegistrySettings = { mirrors: {}, plainHttp: [], tokenHosts: {} }

/** How to read acme/app of a server, with these settings. */
export function accessTo(
  host: string,
  settings: Partial<RegistrySettings> = {},
  env: NodeJS.ProcessEnv = {},
): RegistryAccess {
  const reference = parseReference(`${host}/acme/app`)
  return registryAccess(reference, { ...noSettings, ...settings }, networkSettings(env))
}

/** A client that does not wait between tries, but tells how long it would have. */
export function clientFor(access: RegistryAccess, deps: ClientDeps = {}) {
  const waits: number[] = []
  const sleep = async (ms: number): Promise<void> => void waits.push(ms)
  const client = new RegistryClient(access, { sleep, ...deps })
  clients.push(client)
  return { client, waits }
}

/** As `clientFor`, of a server without mirrors. */
export function clientOf(
  { host }: ScriptedServer,
  own: Partial<EndpointAccess> = {},
  deps: ClientDeps = {},
) {
  const { endpoints, network } = accessTo(host)
  return clientFor({ endpoints: [{ ...endpoints[0]!, ...own }], network }, deps)
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
