// SPDX-License-Identifier: Apache-2.0
// What the page, or whatever may one day run in it, can not do. Tried for real in the running app.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IpcReply, PreloadApi } from '../../src/contract/ipc'
import { useApp, type RunningApp } from './harness'

const harness = useApp()
let app: RunningApp
let outside: Server
let outsideUrl: string
let outsideHits: string[]

/** What a test calls in the page. */
type Reply = IpcReply<unknown>
declare global {
  interface Window {
    leaked?: unknown
  }
}

beforeAll(async () => {
  outsideHits = []
  outside = createServer((request, response) => {
    outsideHits.push(request.url ?? '')
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.end('<title>outside</title>')
  })
  outside.listen(0, '127.0.0.1')
  await once(outside, 'listening')
  outsideUrl = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`
  app = await harness.launch()
}, 120_000)

afterAll(async () => {
  outside.close()
  await app?.quit()
})

const call = (name: unknown, args?: unknown): Promise<Reply> =>
  app.page.evaluate(
    ([name, args]) => (window as unknown as { api: PreloadApi }).api.call(name as string, args),
    [name, args],
  )

describe('the page', () => {
  it('is our own, in a sandboxed, isolated window without Node', async () => {
    expect(app.page.url()).toMatch(/^app:\/\/microvm\/index\.html/)
    const preferences = await app.electron.evaluate(({ BrowserWindow }) =>
      // Not in the public types: the settings in force.
      (
        BrowserWindow.getAllWindows()[0]!.webContents as unknown as {
          getLastWebPreferences(): Record<string, unknown>
        }
      ).getLastWebPreferences(),
    )
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
    })
  })

  it('sees two functions of ours and nothing of Node or Electron', async () => {
    const seen = await app.page.evaluate(() => {
      const globals = window as unknown as Record<string, unknown>
      const names = ['process', 'require', 'module', 'Buffer', 'global', 'electron', '__dirname']
      return {
        api: Object.keys(globals['api'] as object).toSorted(),
        node: names.filter((name) => globals[name] !== undefined),
      }
    })
    expect(seen).toEqual({ api: ['call', 'on'], node: [] })
  })

  it('cannot replace what it was given', async () => {
    const same = await app.page.evaluate(() => {
      const globals = window as unknown as { api: PreloadApi }
      const before = globals.api.call
      try {
        globals.api = { ...globals.api, call: () => Promise.reject(new Error('mine')) }
      } catch {
        // refused, as it should be
      }
      return globals.api.call === before
    })
    expect(same).toBe(true)
  })
})

describe('the content security policy', () => {
  it('runs no inline script, no handler attribute, no eval', async () => {
    const ran = await app.page.evaluate(async () => {
      const script = document.createElement('script')
      script.textContent = 'window.leaked = "inline"'
      document.body.append(script)
      const image = document.createElement('img')
      image.setAttribute('onerror', 'window.leaked = "attribute"')
      image.src = 'data:image/png;base64,AAAA'
      document.body.append(image)
      await new Promise((resolve) => image.addEventListener('error', resolve))
      try {
        window.leaked = new Function('return "eval"')() as unknown
      } catch {
        // refused, as it should be
      }
      script.remove()
      image.remove()
      return window.leaked
    })
    expect(ran).toBeUndefined()
  })

  it('loads nothing from outside and sends nothing there', async () => {
    const outcomes = await app.page.evaluate(async (url) => {
      const loaded = (tag: 'img' | 'script' | 'iframe' | 'link', set: (e: HTMLElement) => void) =>
        new Promise<string>((resolve) => {
          const element = document.createElement(tag)
          element.addEventListener('load', () => resolve(`${tag} loaded`))
          element.addEventListener('error', () => resolve('refused'))
          set(element)
          document.body.append(element)
          // A refused frame may fire nothing at all, or load an error page.
          if (tag === 'iframe') setTimeout(() => resolve('refused'), 1000)
        })
      return Promise.all([
        fetch(`${url}/fetch`).then(
          () => 'fetched',
          () => 'refused',
        ),
        loaded('img', (e) => e.setAttribute('src', `${url}/img`)),
        loaded('script', (e) => e.setAttribute('src', `${url}/script`)),
        loaded('link', (e) => {
          e.setAttribute('rel', 'stylesheet')
          e.setAttribute('href', `${url}/link`)
        }),
        new Promise<string>((resolve) => {
          const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
          socket.onopen = () => resolve('connected')
          socket.onerror = () => resolve('refused')
        }).catch(() => 'refused'),
        loaded('iframe', (e) => e.setAttribute('src', `${url}/iframe`)),
      ])
    }, outsideUrl)
    expect(outcomes.slice(0, 5)).toEqual(Array(5).fill('refused'))
    expect(outsideHits).toEqual([])
  })
})

describe('leaving the page', () => {
  it.each([
    ['by address', () => void (location.href = 'TARGET')],
    [
      'by a link',
      () => {
        const link = document.createElement('a')
        link.href = 'TARGET'
        document.body.append(link)
        link.click()
        link.remove()
      },
    ],
    [
      'by a form',
      () => {
        const form = document.createElement('form')
        form.action = 'TARGET'
        document.body.append(form)
        form.submit()
        form.remove()
      },
    ],
  ])('is refused: %s', async (_, leave) => {
    const before = app.page.url()
    for (const target of [
      `${outsideUrl}/away`,
      'file:///etc/hostname',
      'app://microvm/other.html',
    ]) {
      await app.page.evaluate(`(${leave.toString().replaceAll('TARGET', target)})()`)
      await app.page.waitForTimeout(200)
      expect(app.page.url()).toBe(before)
    }
    expect(outsideHits).toEqual([])
  })

  it('opens no other window', async () => {
    const opened = await app.page.evaluate(
      (url) => [
        window.open(url),
        window.open('about:blank'),
        window.open('app://microvm/index.html'),
      ],
      outsideUrl,
    )
    expect(opened).toEqual([null, null, null])
    expect(app.electron.windows()).toHaveLength(1)
  })

  it('gets no permission of the browser’s', async () => {
    const denied = await app.page.evaluate(async () => [
      await Notification.requestPermission(),
      await navigator.mediaDevices.getUserMedia({ audio: true }).then(
        () => 'granted',
        () => 'denied',
      ),
      await navigator.clipboard.readText().then(
        () => 'granted',
        () => 'denied',
      ),
    ])
    expect(denied).toEqual(['denied', 'denied', 'denied'])
  })
})

describe('our own scheme', () => {
  it('serves the page with its policy, and nothing outside its folder', async () => {
    const statuses = await app.electron.evaluate(async ({ net }) => {
      const paths = [
        'app://microvm/index.html',
        'app://microvm/..%2f..%2fpackage.json',
        'app://microvm/../../package.json',
        'app://microvm/%2e%2e/main/index.js',
        'app://other/index.html',
        'app://microvm/',
      ]
      return Promise.all(paths.map(async (url) => (await net.fetch(url)).status))
    })
    expect(statuses).toEqual([200, 404, 404, 404, 404, 404])
    const headers = await app.electron.evaluate(async ({ net }) =>
      Object.fromEntries((await net.fetch('app://microvm/index.html')).headers),
    )
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['content-security-policy']).not.toMatch(/script-src[^;]*unsafe/)
  })
})

describe('a call to the app', () => {
  it('is answered for our page', async () => {
    const reply = await call('app.info')
    expect(reply).toMatchObject({ ok: true, value: { dataDir: harness.dataDir } })
  })

  it('with malformed arguments is refused and named', async () => {
    expect(await call('vms.start', { id: '../../../etc' })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_ARGUMENT' },
    })
    expect(await call('vms.launch', { operationId: 'x', spec: { name: 'a' } })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_ARGUMENT', message: expect.stringContaining('spec.image') as string },
    })
    expect(await call('constructor')).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } })
    expect(await call('app.openExternal', { url: 'file:///etc/passwd' })).toMatchObject({
      error: { code: 'INVALID_ARGUMENT' },
    })
  })

  it.each([
    ['another origin', 'data:text/html,<title>stranger</title>'],
    ['another window, even on our own page', 'app://microvm/index.html'],
  ])('is refused from %s', async (_, url) => {
    const reply = await app.electron.evaluate(
      async ({ BrowserWindow }, { url, preload }) => {
        const stranger = new BrowserWindow({ show: false, webPreferences: { preload } })
        await stranger.loadURL(url)
        const reply = (await stranger.webContents.executeJavaScript(
          'window.api.call("app.info")',
        )) as unknown
        stranger.destroy()
        return reply
      },
      { url, preload: resolve(import.meta.dirname, '../../out/preload/index.cjs') },
    )
    expect(reply).toEqual({
      ok: false,
      error: { code: 'PERMISSION_DENIED', message: expect.any(String) as string },
    })
  })

  it('is not even possible from a frame inside our page', async () => {
    const reached = await app.page.evaluate(() => {
      const frame = document.createElement('iframe')
      document.body.append(frame)
      const inner = frame.contentWindow as unknown as { api?: unknown } | null
      const reached = inner?.api !== undefined
      frame.remove()
      return reached
    })
    expect(reached).toBe(false)
  })
})
