// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest'
import type { UpdateState } from '../../../../src/contract/updates'
import { silentLogger } from '../../../../src/main/lib/logger'
import { Updates, type Updater } from '../../../../src/main/shell/updates'

function deferred() {
  let resolve = (): void => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((done, fail) => {
    resolve = done
    reject = fail
  })
  return { promise, resolve, reject }
}

/** An updater whose feed has version 2, whose download ends when told to. */
function fakeUpdater() {
  const download = deferred()
  const listeners: { progress: (percent: number) => void; error: (error: Error) => void } = {
    progress: () => {},
    error: () => {},
  }
  const updater = {
    checkForUpdates: vi.fn<Updater['checkForUpdates']>(async () => ({
      isUpdateAvailable: true,
      updateInfo: { version: '2.0.0' },
      downloadPromise: download.promise,
    })),
    onProgress: (listener: typeof listeners.progress) => void (listeners.progress = listener),
    onError: (listener: typeof listeners.error) => void (listeners.error = listener),
    quitAndInstall: vi.fn<() => void>(),
  }
  return { updater, download, listeners }
}

function setUp(more: { off?: string; running?: number; load?: () => Promise<Updater> } = {}) {
  const fake = fakeUpdater()
  const states: UpdateState[] = []
  const load = vi.fn(more.load ?? (async () => fake.updater))
  const updates = new Updates({
    off: more.off,
    load,
    countRunning: async () => more.running ?? 0,
    changed: (state) => states.push(state),
    logger: silentLogger,
  })
  const words = () => states.map(({ status }) => status)
  return { ...fake, updates, states, words, load }
}

async function ready(more: Parameters<typeof setUp>[0] = {}) {
  const all = setUp(more)
  all.download.resolve()
  await all.updates.check()
  return all
}

describe('looking for a new version', () => {
  it('is off without a feed: nothing is loaded, asked or watched', async () => {
    vi.useFakeTimers()
    const { updates, load, states } = setUp({ off: 'no feed' })
    updates.watch()
    await vi.advanceTimersByTimeAsync(24 * 60 * 60_000)
    await updates.check()
    expect(updates.state).toEqual({ status: 'off', why: 'no feed' })
    expect(load).not.toHaveBeenCalled()
    expect(states).toEqual([])
    vi.useRealTimers()
  })

  it('happens a while after the start, and then again and again, until it is ended', async () => {
    vi.useFakeTimers()
    const { updates, updater } = setUp()
    updater.checkForUpdates.mockResolvedValue({
      isUpdateAvailable: false,
      updateInfo: { version: '1.0.0' },
    })
    const end = updates.watch()
    expect(updater.checkForUpdates).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(12 * 60 * 60_000)
    expect(updater.checkForUpdates).toHaveBeenCalledTimes(3)
    expect(updates.state).toEqual({ status: 'newest' })
    end()
    await vi.advanceTimersByTimeAsync(12 * 60 * 60_000)
    expect(updater.checkForUpdates).toHaveBeenCalledTimes(3)
    vi.useRealTimers()
  })

  it('tells how far the download is, and installs nothing by itself', async () => {
    const { updates, states, download, listeners, updater } = setUp()
    const check = updates.check()
    await vi.waitFor(() => expect(updates.state.status).toBe('downloading'))
    listeners.progress(42)
    download.resolve()
    await check
    expect(states).toEqual([
      { status: 'checking' },
      { status: 'downloading', version: '2.0.0', part: 0 },
      { status: 'downloading', version: '2.0.0', part: 0.42 },
      { status: 'ready', version: '2.0.0' },
    ])
    expect(updater.quitAndInstall).not.toHaveBeenCalled()
  })

  it('goes on once, however often it is asked for', async () => {
    const { updates, updater, download } = setUp()
    const checks = [updates.check(), updates.check()]
    download.resolve()
    await Promise.all(checks)
    await updates.check()
    expect(updater.checkForUpdates).toHaveBeenCalledTimes(1)
  })

  it('says what failed, and can be tried again', async () => {
    const { updates, updater, download } = setUp()
    updater.checkForUpdates.mockRejectedValueOnce(new Error('no route'))
    await updates.check()
    expect(updates.state).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(/look for a new version: no route/) },
    })
    download.reject(new Error('wrong checksum'))
    await updates.check()
    expect(updates.state).toMatchObject({ error: { message: expect.stringMatching(/checksum/) } })
  })

  it('loads the updater anew if that failed', async () => {
    const { updater } = fakeUpdater()
    const load = vi.fn<() => Promise<Updater>>(async () => updater)
    load.mockRejectedValueOnce(new Error('damaged'))
    const { updates } = setUp({ load })
    await updates.check()
    expect(updates.state).toMatchObject({ status: 'failed' })
    void updates.check()
    await vi.waitFor(() => expect(updates.state.status).toBe('downloading'))
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('ends for good where the installation cannot replace itself', async () => {
    const { updates, updater } = setUp()
    updater.checkForUpdates.mockResolvedValue(null)
    await updates.check()
    await updates.check()
    expect(updates.state).toMatchObject({ status: 'off' })
    expect(updater.checkForUpdates).toHaveBeenCalledTimes(1)
  })
})

describe('installing a new version', () => {
  it('asks first while machines run, and does nothing until the answer is yes', async () => {
    const { updates, updater } = await ready({ running: 2 })
    expect(await updates.install(false)).toEqual({ answer: 'ask', running: 2 })
    expect(updater.quitAndInstall).not.toHaveBeenCalled()
    expect(await updates.install(true)).toEqual({ answer: 'installing' })
    expect(updater.quitAndInstall).toHaveBeenCalledTimes(1)
  })

  it('needs no question while none runs', async () => {
    const { updates, updater } = await ready()
    expect(await updates.install(false)).toEqual({ answer: 'installing' })
    expect(updater.quitAndInstall).toHaveBeenCalledTimes(1)
  })

  it('is refused before one is ready', async () => {
    await expect(setUp().updates.install(true)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('tells when it fails, and the app goes on', async () => {
    const { updates, listeners } = await ready()
    await updates.install(true)
    listeners.error(new Error('no permission'))
    expect(updates.state).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(/install the new version: no permission/) },
    })
  })
})
