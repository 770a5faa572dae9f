// SPDX-License-Identifier: Apache-2.0
// The window and the app's life around it.
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useApp } from './harness'

const harness = useApp()

describe('the window', () => {
  it('opens with its title and comes back where it was left', async () => {
    const bounds = { x: 140, y: 90, width: 1010, height: 640 }
    const first = await harness.launch()
    expect(await first.page.title()).toContain('MicroVM Desktop')
    await first.electron.evaluate(
      ({ BrowserWindow }, place) => BrowserWindow.getAllWindows()[0]!.setBounds(place),
      bounds,
    )
    await first.quit()
    const second = await harness.launch()
    const place = await second.electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]!.getNormalBounds(),
    )
    await second.quit()
    expect(place).toEqual(bounds)
  }, 120_000)

  it('quits the app when it is closed', async () => {
    const app = await harness.launch()
    const exit = once(app.electron.process(), 'exit')
    await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.close())
    expect(await exit).toEqual([0, null])
  }, 120_000)

  it('is brought to the front by a second start, which ends at once', async () => {
    const app = await harness.launch()
    await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide())
    const [code] = (await once(await harness.startAgain(), 'exit')) as [number]
    expect(code).toBe(0)
    await expect
      .poll(() =>
        app.electron.evaluate(({ BrowserWindow }) => ({
          windows: BrowserWindow.getAllWindows().length,
          visible: BrowserWindow.getAllWindows()[0]!.isVisible(),
        })),
      )
      .toEqual({ windows: 1, visible: true })
    await app.quit()
  }, 120_000)

  it('loads its page again when that has crashed', async () => {
    const app = await harness.launch()
    const alive = await app.electron.evaluate(async ({ BrowserWindow }) => {
      const { webContents } = BrowserWindow.getAllWindows()[0]!
      const loaded = new Promise<void>((resolve) =>
        webContents.once('did-finish-load', () => resolve()),
      )
      webContents.forcefullyCrashRenderer()
      await loaded
      return webContents.executeJavaScript('"api" in window') as Promise<boolean>
    })
    expect(alive).toBe(true)
    await app.quit()
  }, 120_000)
})

describe('the data directory', () => {
  it('holds all the app writes, for its owner only', async () => {
    const app = await harness.launch()
    const paths = await app.electron.evaluate(({ app }) =>
      (['userData', 'sessionData', 'crashDumps', 'logs'] as const).map((name) => app.getPath(name)),
    )
    for (const path of paths) expect(path.startsWith(harness.dataDir)).toBe(true)
    expect(statSync(harness.dataDir).mode & 0o077).toBe(0)
    expect(existsSync(join(harness.dataDir, 'app.log'))).toBe(true)
    await app.quit()
  }, 120_000)
})
