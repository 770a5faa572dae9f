// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import {
  downloadDisk,
  versionPath,
  type DownloadOptions,
} from '../../../../../src/main/image/disk/download-disk'
import { networkSettings } from '../../../../../src/main/image/registry/registry-network'
import { noise } from '../support/pack'
import { inTurn, serve, status } from '../support/registry-fixture'
import type { Answer, ScriptedServer } from '../support/scripted-registry'

const root = mkdtempSync(join(tmpdir(), 'download-disk-'))
afterAll(() => rmSync(root, { recursive: true }))
const content = noise(500_000)
const other = noise(400_000, 'other')

let partPath: string
let count = 0
beforeEach(() => {
  partPath = join(root, `${++count}.part`)
  writeFileSync(partPath, '')
})

interface Download extends Partial<DownloadOptions> {
  readonly maxBytes?: number
}

/** Does not wait between tries, but tells how long it would have; a clock that stands still meanwhile. */
async function download(server: ScriptedServer, { maxBytes = 1e9, ...options }: Download = {}) {
  const waits: number[] = []
  const controller = new AbortController()
  const told: (readonly [bytes: number, total: number])[] = []
  const network = networkSettings({})
  const job = { url: `${server.origin}/disk.raw`, network, partPath, maxBytes }
  const outcome = await downloadDisk(job, {
    signal: controller.signal,
    sleep: async (ms) => void waits.push(ms),
    now: () => waits.reduce((sum, ms) => sum + ms, 0),
    onBytes: (...at) => told.push(at),
    ...options,
  }).then(
    () => undefined,
    (error: unknown) => error,
  )
  return { outcome, waits, told }
}

const come = (): Buffer => readFileSync(partPath)

/** As a good server: all of it, or from where it is asked for if it is still the same version. */
function file(bytes: Buffer, headers: Record<string, string> = { etag: '"v1"' }): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const isSame = [headers['etag'], headers['last-modified']].includes(ifRange(request))
    if (start === 0 || !isSame) {
      response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes)
    } else if (start >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    } else {
      const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
      response.writeHead(206, { ...headers, 'content-range': range }).end(bytes.subarray(start))
    }
  }
}
const ifRange = (request: IncomingMessage): string | undefined =>
  request.headers['if-range'] as string | undefined

/** The first bytes of what another answer sends, then the connection breaks. */
const broken =
  (bytes: number, headers: Record<string, string> = { etag: '"v1"' }): Answer =>
  (_request, response) => {
    response.writeHead(200, { ...headers, 'content-length': content.length })
    breakOff(response, content.subarray(0, bytes))
  }
function breakOff(response: ServerResponse, bytes: Buffer): void {
  // Only when it has been sent: what is still under way would be lost.
  response.write(bytes, () => setTimeout(() => response.destroy(), 20))
}

describe('a download', () => {
  it('brings the bytes as they are published, and tells how far it is', async () => {
    const server = await serve(file(content))
    const { outcome, told } = await download(server)
    expect(outcome).toBeUndefined()
    expect(come().equals(content)).toBe(true)
    expect(told.at(-1)).toEqual([content.length, content.length])
    expect(server.asked[0]!.headers).toMatchObject({ 'accept-encoding': 'identity' })
    expect(server.asked[0]!.headers.authorization).toBeUndefined()
  })

  it.each([
    ['an ETag', { etag: '"v1"' }, '"v1"'],
    [
      'the last change, where the ETag is weak',
      { etag: 'W/"v1"', 'last-modified': 'Sat, 01 Aug 2026 10:00:00 GMT' },
      'Sat, 01 Aug 2026 10:00:00 GMT',
    ],
  ])('goes on where it broke off, by %s', async (_, headers, validator) => {
    const server = await serve(inTurn(broken(200_000, headers), file(content, headers)))
    const { outcome, waits } = await download(server)
    expect(outcome).toBeUndefined()
    expect(come().equals(content)).toBe(true)
    expect(server.asked[1]!.headers).toMatchObject({
      range: 'bytes=200000-',
      'if-range': validator,
    })
    expect(waits).toHaveLength(1)
    expect(waits[0]).toBeGreaterThanOrEqual(1500)
    expect(waits[0]).toBeLessThanOrEqual(2000)
  })

  it('goes on with what an earlier process has left', async () => {
    const server = await serve(inTurn(broken(200_000), status(404)))
    const first = await download(server)
    expect(first.outcome).toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    server.answer = file(content)
    expect((await download(server)).outcome).toBeUndefined()
    expect(server.asked.at(-1)!.headers.range).toBe('bytes=200000-')
    expect(come().equals(content)).toBe(true)
    const asked = server.asked.length
    expect((await download(server)).outcome).toBeUndefined()
    expect(server.asked).toHaveLength(asked)
  })

  it.each<[string, Answer]>([
    ['has another version by now', file(other, { etag: '"v2"' })],
    [
      'ignores Range',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': other.length }).end(other),
    ],
    [
      'knows Range but not If-Range, and has another version',
      (request, response) => {
        if (request.headers.range === undefined) file(other, { etag: '"v2"' })(request, response)
        else
          response
            .writeHead(206, { etag: '"v2"', 'content-range': 'bytes 200000-399999/400000' })
            .end(other.subarray(200_000))
      },
    ],
    [
      'has a shorter version',
      (request, response) => {
        if (request.headers.range === undefined) file(other, { etag: '"v2"' })(request, response)
        else response.writeHead(416, { 'content-range': 'bytes */1000' }).end()
      },
    ],
  ])('begins anew where the server %s', async (_, answer) => {
    const server = await serve(inTurn(broken(200_000), answer))
    const { outcome } = await download(server)
    expect(outcome).toBeUndefined()
    expect(come().equals(other)).toBe(true)
  })

  it('begins anew where there is nothing to tell the version by', async () => {
    const server = await serve(inTurn(broken(200_000, {}), file(content, {})))
    expect((await download(server)).outcome).toBeUndefined()
    expect(server.asked[1]!.headers.range).toBeUndefined()
    expect(come().equals(content)).toBe(true)
  })

  it.each(['garbage', '{"version":1,"url":"https://elsewhere/","validator":"\\"v1\\""}'])(
    'begins anew where what is known of the part is %s',
    async (known) => {
      writeFileSync(partPath, 'something')
      writeFileSync(versionPath(partPath), known)
      const server = await serve(file(content))
      expect((await download(server)).outcome).toBeUndefined()
      expect(come().equals(content)).toBe(true)
    },
  )

  it.each([
    'bytes 100000-499999/500000',
    'bytes 200000-300000/500000',
    'bytes 200000-599999/600000',
    'something',
  ])('refuses another part than it asked for (%s), and forgets what it has', async (range) => {
    const wrong: Answer = (_request, response) =>
      void response.writeHead(206, { etag: '"v1"', 'content-range': range }).end('x')
    const server = await serve(inTurn(broken(200_000), wrong))
    expect((await download(server)).outcome).toMatchObject({
      code: 'REGISTRY_ERROR',
      message: expect.stringContaining('another part') as string,
    })
    expect(come()).toHaveLength(0)
  })

  it('takes a file whose length is not told', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200)
      response.write(content.subarray(0, 1000))
      response.end(content.subarray(1000))
    })
    const { outcome, told } = await download(server)
    expect(outcome).toBeUndefined()
    expect(told.at(-1)).toEqual([content.length, 0])
    expect(come().equals(content)).toBe(true)
  })
})

describe('a server in trouble', () => {
  it.each([408, 429, 500, 502, 503])('that answers %i is asked again', async (code) => {
    const server = await serve(inTurn(status(code), status(code), file(content)))
    const { outcome, waits } = await download(server)
    expect(outcome).toBeUndefined()
    expect(waits).toHaveLength(2)
  })

  it('is given as long as it asks for', async () => {
    const server = await serve(inTurn(status(503, { 'retry-after': '17' }), file(content)))
    expect((await download(server)).waits).toEqual([17_000])
  })

  it('is asked after 2 s, twice as long each time up to 30 s, for 3 minutes', async () => {
    const server = await serve(status(503))
    const { outcome, waits } = await download(server)
    expect(outcome).toMatchObject({
      code: 'REGISTRY_ERROR',
      hint: expect.stringContaining('What has come is kept') as string,
    })
    const longest = [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000]
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeLessThanOrEqual(longest[index]!)
      expect(wait).toBeGreaterThanOrEqual(longest[index]! * 0.75)
    }
    const sum = waits.reduce((all, ms) => all + ms, 0)
    expect(sum).toBeLessThanOrEqual(180_000)
    expect(sum).toBeGreaterThan(150_000 - 1)
  })

  it('that asks for more than 3 minutes is not waited for', async () => {
    const server = await serve(status(429, { 'retry-after': '600' }))
    const { outcome, waits } = await download(server)
    expect(waits).toEqual([])
    expect(outcome).toMatchObject({ hint: expect.stringContaining('10 minutes') as string })
  })

  it('gets new patience by every 64 KiB, not by every byte', async () => {
    let turn = 0
    const inSteps =
      (step: number): Answer =>
      (request, response) => {
        const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
        turn++
        const rest = content.subarray(start)
        if (rest.length <= step) return file(content)(request, response)
        response.writeHead(start === 0 ? 200 : 206, {
          etag: '"v1"',
          'content-length': rest.length,
          ...(start > 0 && { 'content-range': `bytes ${start}-499999/500000` }),
        })
        breakOff(response, rest.subarray(0, step))
      }
    const good = await serve(inSteps(70_000))
    const { outcome, waits } = await download(good)
    expect(outcome).toBeUndefined()
    expect(waits).toHaveLength(turn - 1)
    expect(Math.max(...waits)).toBeLessThanOrEqual(2000)
    writeFileSync(partPath, '')
    const bad = await serve(inSteps(10))
    expect((await download(bad)).outcome).toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(come().equals(content.subarray(0, come().length))).toBe(true)
  })

  it.each([
    [401, 'REGISTRY_DENIED'],
    [403, 'REGISTRY_DENIED'],
    [404, 'IMAGE_NOT_FOUND'],
    [410, 'IMAGE_NOT_FOUND'],
    [418, 'REGISTRY_ERROR'],
    [204, 'REGISTRY_ERROR'],
    [206, 'REGISTRY_ERROR'],
  ])('that answers %i is not asked again', async (code, error) => {
    const server = await serve(status(code))
    const { outcome, waits } = await download(server)
    expect(outcome).toMatchObject({ code: error })
    expect(waits).toEqual([])
  })
})

describe('what a download does not do', () => {
  it.each(['http://images.example/disk.raw', 'file:///etc/passwd', 'https://a:b@images.example/'])(
    'follow a redirect to %s',
    async (location) => {
      const server = await serve(status(302, { location }))
      expect((await download(server)).outcome).toMatchObject({ code: 'REGISTRY_ERROR' })
    },
  )

  it('take more than the limit, whether it is told of before or not', async () => {
    const told = await serve(file(content))
    const asked = await download(told, { maxBytes: content.length - 1 })
    expect(asked.outcome).toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    expect(come()).toHaveLength(0)
    const untold = await serve((_request, response) => {
      response.write(content)
      response.end()
    })
    const surprised = await download(untold, { maxBytes: content.length - 1 })
    expect(surprised.outcome).toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    expect(come().length).toBeLessThan(content.length)
    expect((await download(told, { maxBytes: content.length })).outcome).toBeUndefined()
  })

  it('go on when it is cancelled: it keeps what has come', async () => {
    const cancelling = new AbortController()
    const server = await serve((_request, response) => {
      response.writeHead(200, { etag: '"v1"', 'content-length': content.length })
      response.write(content.subarray(0, 100_000))
    })
    const { outcome } = await download(server, {
      signal: cancelling.signal,
      onBytes: (bytes) => bytes >= 100_000 && cancelling.abort(),
    })
    expect(outcome).toMatchObject({ code: 'CANCELLED' })
    expect(come().equals(content.subarray(0, 100_000))).toBe(true)
    expect(existsSync(versionPath(partPath))).toBe(true)
  })
})
