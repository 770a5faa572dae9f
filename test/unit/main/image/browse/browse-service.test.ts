// SPDX-License-Identifier: Apache-2.0
// The browser over a real store; its thread is this one, behind a real message channel.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { serveBrowsing } from '../../../../../src/main/image/browse/browse-server'
import {
  createImageBrowser,
  type BrowseThread,
  type ImageBrowser,
} from '../../../../../src/main/image/browse/browse-service'
import { makeImage } from '../support/make-image'
import { useStore } from '../support/store-fixture'

const fixture = useStore()
const image = makeImage([
  [
    { name: 'etc/motd', data: 'welcome\n' },
    { name: 'big', data: 'b'.repeat(9000) },
    { name: 'l', flag: '2', link: 'etc/motd' },
  ],
  [{ name: '.wh.big' }, { name: 'etc/motd', data: 'changed\n' }],
])

let started = 0
let ended = 0
let sent: unknown[] = []
const open: ImageBrowser[] = []
afterEach(async () => {
  for (const browser of open.splice(0)) await browser.close()
  started = ended = 0
  sent = []
})

/** Cloned messages, one at a time, as between threads; the end is told as a Worker tells it. */
function startHere(folder: string): BrowseThread {
  started++
  const { port1, port2 } = new MessageChannel()
  serveBrowsing(port2, folder)
  let onExit = (): void => undefined
  return {
    postMessage(message) {
      sent.push('cancel' in message ? 'cancel' : { query: message.query })
      port1.postMessage(message)
    },
    on(event: string, listener: (value: never) => void) {
      if (event === 'message') port1.on('message', listener as (value: unknown) => void)
      if (event === 'exit') onExit = listener as () => void
    },
    async terminate() {
      ended++
      port1.close()
      onExit()
    },
  }
}

async function browse(idleMs = 60_000) {
  const store = fixture.storeWith()
  const reference = fixture.publish(image, 'v1')
  await store.pull(reference, {})
  const browser = createImageBrowser({
    find: store.find,
    layersFolder: fixture.paths.layers,
    start: startHere,
    idleMs,
  })
  open.push(browser)
  return { store, reference, browser }
}

describe('browsing a stored image', () => {
  it('tells what its layers did, and then of folders by its digest', async () => {
    const { browser, reference } = await browse()
    const files = await browser.open(reference)
    expect(files).toMatchObject({
      digest: image.manifest.digest,
      layers: [
        { added: 4, fileBytes: 9008, wastedBytes: 9008 },
        { changed: 1, removed: 1, hiddenBytes: 9008 },
      ],
      wastedBytes: 9008,
    })
    const page = { offset: 1, limit: 5 }
    expect(
      await browser.ask(files.digest, 'list', { view: { layer: 1 }, path: '', ...page }),
    ).toMatchObject({
      total: 3,
      entries: [
        { name: 'big', change: 'removed' },
        { name: 'l', target: 'etc/motd' },
      ],
    })
    expect(started).toBe(1)
  })

  it('stops reading an image that nobody waits for any more, and reads it anew for the next one', async () => {
    const files = Array.from({ length: 30_000 }, (_, index) => ({ name: `f${index}` }))
    const store = fixture.storeWith()
    const reference = fixture.publish(makeImage([files]), 'many')
    await store.pull(reference, {})
    const browser = createImageBrowser({
      find: store.find,
      layersFolder: fixture.paths.layers,
      start: startHere,
    })
    open.push(browser)
    const leaving = new AbortController()
    const opening = browser.open(reference, leaving.signal)
    while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve))
    leaving.abort()
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(sent).toEqual([{ query: 'summary' }, 'cancel'])
    expect((await browser.open(reference)).entries).toBe(30_000)
  })

  it('reads and saves content as the view shows it', async () => {
    const { browser, reference } = await browse()
    const { digest } = await browser.open(reference)
    const textAt = (view: { layer?: number }, path: string) =>
      browser.ask(digest, 'text', { view, path })
    expect(await textAt({}, 'l')).toMatchObject({ path: 'etc/motd', text: 'changed\n' })
    expect(await textAt({ layer: 0 }, 'l')).toMatchObject({ text: 'welcome\n' })
    expect(await textAt({ layer: 1 }, 'big')).toMatchObject({ size: 9000, complete: true })
    await expect(textAt({}, 'big')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const target = join(fixture.paths.root, 'saved')
    await browser.save({ digest, view: {}, path: 'l' }, target, {})
    expect(readFileSync(target, 'utf8')).toBe('changed\n')
  })

  it('finds names by their path and by their first letters', async () => {
    const { browser, reference } = await browse()
    const { digest } = await browser.open(reference)
    const root = { view: { layer: 0 }, path: '' }
    expect(await browser.ask(digest, 'locate', { ...root, path: 'etc/motd' })).toEqual([0, 0])
    expect(await browser.ask(digest, 'locate', { ...root, path: 'etc/none' })).toBeUndefined()
    const seek = (prefix: string, from: number) =>
      browser.ask(digest, 'seek', { ...root, prefix, from })
    expect(await seek('L', 0)).toBe(2)
    expect(await seek('b', 2)).toBe(1)
    expect(await seek('zz', 0)).toBeUndefined()
    const found = await browser.ask(digest, 'search', { view: {}, query: '*motd' })
    expect(found.matches.map(({ path }) => path)).toEqual(['etc/motd'])
  })

  it('knows an image by its digest without having opened it', async () => {
    const { browser } = await browse()
    const { digest } = image.manifest
    expect(
      await browser.ask(digest, 'list', { view: {}, path: 'etc', offset: 0, limit: 9 }),
    ).toMatchObject({ total: 1 })
  })

  it('says what is not here', async () => {
    const { browser, reference } = await browse()
    await expect(browser.open('debian:none')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    rmSync(join(fixture.paths.layers, `${image.diffIds[0]!.slice(7)}.index`))
    const digest = image.manifest.digest
    await expect(browser.open(reference)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(browser.ask(digest, 'summary', undefined)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
  })

  it('tells the thread of a question that is not wanted any more', async () => {
    const { browser, reference } = await browse()
    const { digest } = await browser.open(reference)
    const cancelling = new AbortController()
    const asked = browser.ask(digest, 'summary', undefined, cancelling.signal)
    await Promise.resolve()
    cancelling.abort()
    await Promise.allSettled([asked])
    expect(sent).toEqual([{ query: 'summary' }, { query: 'summary' }, 'cancel'])
    await expect(
      browser.ask(digest, 'summary', undefined, AbortSignal.abort()),
    ).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('the thread', () => {
  it('ends when nothing is asked for a while, and starts again', async () => {
    const { browser, reference } = await browse(20)
    await browser.open(reference)
    await expect.poll(() => ended).toBe(1)
    await browser.open(reference)
    expect(started).toBe(2)
  })

  it('that ends takes what waits for it along, and no more', async () => {
    const { browser, reference } = await browse()
    const { digest } = await browser.open(reference)
    const asked = browser.ask(digest, 'summary', undefined)
    const refused = expect(asked).rejects.toMatchObject({ code: 'CANCELLED' })
    await browser.close()
    await refused
    expect(await browser.ask(digest, 'summary', undefined)).toMatchObject({ wastedBytes: 9008 })
  })
})
