// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { demandPins, pinnedFile, pins } from '../../../../scripts/parts/pinned-files.mjs'

const CONTENT = 'a release'
const sha256 = createHash('sha256').update(CONTENT).digest('hex')
const complete = { version: '1', licence: 'MIT', url: 'https://example.com/x', sha256 }

let cache: string
let server: Server
let requests: string[]
let answer: { status: number; body: string }
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pinned-'))
  requests = []
  answer = { status: 200, body: CONTENT }
  server = createServer((request, response) => {
    requests.push(request.url ?? '')
    response.writeHead(answer.status).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.close()
  await rm(cache, { recursive: true, force: true })
})

const get = (): Promise<string> => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tool`
  return pinnedFile('tool', { cache, from: { tool: { ...complete, url } } })
}
const cached = (): Promise<string[]> => readdir(join(cache, 'pinned')).catch(() => [])

describe('a pinned file', () => {
  it('is fetched once, and kept under its SHA-256', async () => {
    const path = await get()
    expect(await readFile(path, 'utf8')).toBe(CONTENT)
    expect(await get()).toBe(path)
    expect(requests).toEqual(['/tool'])
    expect(await cached()).toEqual([sha256])
  })

  it('is refused if its bytes are not those pinned, and leaves nothing', async () => {
    answer.body = 'another release'
    await expect(get()).rejects.toThrow(new RegExp(`has the SHA-256 \\w{64}, not ${sha256}`))
    expect(await cached()).toEqual([])
  })

  it('says what the server answered, and leaves nothing', async () => {
    answer.status = 404
    await expect(get()).rejects.toThrow(/tool: .*HTTP 404/)
    expect(await cached()).toEqual([])
  })

  it('says why no server was reached', async () => {
    await new Promise((resolve) => server.close(resolve))
    const url = 'http://127.0.0.1:1/tool'
    const from = { tool: { ...complete, url } }
    await expect(pinnedFile('tool', { cache, from })).rejects.toThrow(/127\.0\.0\.1:1\/tool: \S/)
  })
})

describe('a missing pin', () => {
  it('is demanded, for all names at once', () => {
    const from = {
      whole: complete,
      homeless: { ...complete, url: null },
      bare: { ...complete, sha256: null },
      short: { ...complete, sha256: 'abc' },
    }
    expect(() => demandPins('part', ['whole'], from)).not.toThrow()
    expect(() => demandPins('part', [...Object.keys(from), 'unheard'], from)).toThrow(
      /part: no address with a SHA-256 is pinned for homeless, bare, short, unheard\./,
    )
  })

  it('is demanded before anything is downloaded', async () => {
    await expect(pinnedFile('molten-vk', { cache })).rejects.toThrow(/pinned for molten-vk/)
    expect(requests).toEqual([])
  })
})

describe('pins.json', () => {
  it('has for each name an https address and a SHA-256, or neither', () => {
    for (const [name, { url, sha256: sum, licence }] of Object.entries(pins)) {
      expect(licence, name).not.toBe('')
      if (url === null) expect(sum, name).toBeNull()
      else {
        expect(new URL(url).protocol, name).toBe('https:')
        expect(sum, name).toMatch(/^[0-9a-f]{64}$/)
      }
    }
  })
})
