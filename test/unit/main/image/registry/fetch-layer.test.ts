// SPDX-License-Identifier: Apache-2.0
// What is left of a pull that stopped, and pulls side by side, seen through the whole store.
import { randomBytes } from 'node:crypto'
import {
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LayerProgress } from '../../../../../src/contract/images'
import { makeImage } from '../support/make-image'
import type { Answer } from '../support/scripted-registry'
import { useStore } from '../support/store-fixture'

const MIB = 1024 * 1024
const fixture = useStore()
const image = makeImage([[{ name: 'big', data: randomBytes(3 * MIB).toString('latin1') }]])
const blob = [...image.blobs.values()].reduce((a, b) => (a.length > b.length ? a : b))

const isBlob = (url: string): boolean => url.includes('/blobs/') && !isConfig(url)
const isConfig = (url: string): boolean =>
  url.endsWith([...image.blobs].find(([, bytes]) => bytes === image.config)?.[0] ?? '-')
const ranges = (): (string | undefined)[] =>
  fixture.server.asked.filter(({ url }) => isBlob(url)).map(({ headers }) => headers.range)
const parts = (): string[] =>
  readdirSync(fixture.paths.layers).filter((name) => name.endsWith('.part'))
const part = (): string => join(fixture.paths.layers, parts()[0]!)

/** The rest of the registry as it is; the layer's blob by `answer`. */
function answerBlob(answer: Answer): void {
  fixture.server.answer = (request, response) =>
    (isBlob(request.url!) ? answer : fixture.repository.answer)(request, response)
}
const sendRange: Answer = (request, response) => {
  const start = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = `bytes ${start}-${blob.length - 1}/${blob.length}`
  response.writeHead(start === 0 ? 200 : 206, { 'content-range': range }).end(blob.subarray(start))
}
const sendHalf: Answer = (_, response) =>
  void response.writeHead(200).write(blob.subarray(0, 2 * MIB))

/** A pull that is cancelled when half of the layer has come. */
async function pullHalf(reference: string): Promise<void> {
  answerBlob(sendHalf)
  const cancelling = new AbortController()
  const pull = fixture.storeWith().pull(reference, {
    signal: cancelling.signal,
    onProgress: ({ layers }) => {
      if ((layers?.[0]?.bytes ?? 0) > MIB) cancelling.abort()
    },
  })
  await expect(pull).rejects.toMatchObject({ code: 'CANCELLED' })
  fixture.server.asked.length = 0
}

describe('a layer whose pull was cancelled', () => {
  it('continues where it stopped, and leaves nothing but itself', async () => {
    const reference = fixture.publish(image, 'v1')
    await pullHalf(reference)
    const { size } = statSync(part())
    expect(size).toBeGreaterThan(MIB)
    expect(readFileSync(part()).equals(blob.subarray(0, size))).toBe(true)
    answerBlob(sendRange)
    const seen: LayerProgress[] = []
    const stored = await fixture.storeWith().pull(reference, {
      onProgress: ({ layers }) => seen.push(...(layers ?? [])),
    })
    expect(stored.layers).toHaveLength(1)
    expect(ranges()).toEqual([`bytes=${size}-`])
    expect(seen.at(-1)).toMatchObject({ state: 'done', bytes: blob.length })
    expect(parts()).toEqual([])
    expect(readdirSync(fixture.paths.layers).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('is read from the beginning when the server knows no ranges', async () => {
    const reference = fixture.publish(image, 'v1')
    await pullHalf(reference)
    answerBlob((_, response) => void response.writeHead(200).end(blob))
    await fixture.storeWith().pull(reference, {})
    expect(ranges()).toHaveLength(1)
    expect(parts()).toEqual([])
  })

  it('fails when the server sends another range, and then nothing wrong is kept', async () => {
    const reference = fixture.publish(image, 'v1')
    await pullHalf(reference)
    answerBlob((_, response) => {
      response.writeHead(206, { 'content-range': `bytes 5-9/${blob.length}` }).end('12345')
    })
    await expect(fixture.storeWith().pull(reference, {})).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    })
    answerBlob(sendRange)
    expect((await fixture.storeWith().pull(reference, {})).layers).toHaveLength(1)
  })

  it.each<[string, (path: string) => void]>([
    ['is damaged', (path) => writeFileSync(path, Buffer.alloc(2 * MIB, 1))],
    ['is longer than the blob', (path) => truncateSync(path, 9 * MIB)],
    [
      'is damaged at its end',
      (path) => {
        const bytes = readFileSync(path)
        bytes[bytes.length - 1]! ^= 1
        writeFileSync(path, bytes)
      },
    ],
  ])('is fetched anew when what was left %s', async (_what, damage) => {
    const reference = fixture.publish(image, 'v1')
    await pullHalf(reference)
    damage(part())
    answerBlob(sendRange)
    expect((await fixture.storeWith().pull(reference, {})).layers).toHaveLength(1)
    expect(ranges().at(-1)).toBeUndefined()
    expect(parts()).toEqual([])
  })

  it('is forgotten after a week in which nobody came back', async () => {
    const reference = fixture.publish(image, 'v1')
    await pullHalf(reference)
    const old = Date.now() / 1000 - 8 * 24 * 3600
    utimesSync(part(), old, old)
    answerBlob(sendRange)
    await fixture.storeWith().pull(reference, {})
    expect(ranges()).toEqual([undefined])
  })
})

describe('a layer whose connection breaks', () => {
  it('goes on where it was, within the pull', async () => {
    const reference = fixture.publish(image, 'v1')
    answerBlob((request, response) => {
      if (request.headers.range !== undefined) sendRange(request, response)
      else response.writeHead(200).write(blob.subarray(0, 2 * MIB), () => response.destroy())
    })
    expect((await fixture.storeWith().pull(reference, {})).layers).toHaveLength(1)
    const [first, second] = ranges()
    expect(first).toBeUndefined()
    expect(Number(/^bytes=([0-9]+)-$/.exec(second ?? '')?.[1])).toBeGreaterThan(0)
    expect(ranges()).toHaveLength(2)
    expect(parts()).toEqual([])
  })
})

describe('a layer that is wrong', () => {
  it('leaves no part behind, and is not asked for twice', async () => {
    const reference = fixture.publish(image, 'v1')
    answerBlob((_, response) => void response.writeHead(200).end(Buffer.alloc(blob.length)))
    await expect(fixture.storeWith().pull(reference, {})).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    expect(ranges()).toHaveLength(1)
    expect(parts()).toEqual([])
  })
})

describe('two pulls of one image in two stores', () => {
  it('fetch each layer once', async () => {
    const reference = fixture.publish(image, 'v1')
    answerBlob((request, response) => setTimeout(() => sendRange(request, response), 100))
    const pulls = [1, 2].map(() => fixture.storeWith().pull(reference, {}))
    const [one, two] = await Promise.all(pulls)
    expect(one!.layers).toEqual(two!.layers)
    expect(ranges()).toEqual([undefined])
    expect(parts()).toEqual([])
  })

  it('go on with one when the other is cancelled, from where that one stopped', async () => {
    const reference = fixture.publish(image, 'v1')
    answerBlob((request, response) => {
      if (request.headers.range === undefined) sendHalf(request, response)
      else sendRange(request, response)
    })
    const cancelling = new AbortController()
    let waited = 0
    const first = fixture.storeWith().pull(reference, { signal: cancelling.signal })
    const second = (async () => {
      while (ranges().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      return fixture.storeWith().pull(reference, {
        onProgress: ({ layers }) => {
          waited = Math.max(waited, layers?.[0]?.bytes ?? 0)
          if (waited > MIB) cancelling.abort()
        },
      })
    })()
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' })
    expect((await second).layers).toHaveLength(1)
    expect(ranges()).toEqual([undefined, expect.stringMatching(/^bytes=[0-9]+-$/)])
  })
})
