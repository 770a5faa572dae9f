// SPDX-License-Identifier: Apache-2.0
import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, it, vi } from 'vitest'
import { menuTemplate, type MenuDeps } from '../../../../src/main/shell/menu'

function items(overrides: Partial<MenuDeps> = {}): MenuItemConstructorOptions[] {
  const deps: MenuDeps = {
    platform: 'linux',
    appName: 'MicroVM Desktop',
    packaged: true,
    send: vi.fn(),
    showLog: vi.fn(),
    showDataFolder: vi.fn(),
    ...overrides,
  }
  return menuTemplate(deps).flatMap((menu) => [
    menu,
    ...((menu.submenu ?? []) as MenuItemConstructorOptions[]),
  ])
}

describe('menuTemplate', () => {
  it.each([
    ['CmdOrCtrl+N', 'new-machine'],
    ['CmdOrCtrl+K', 'command-palette'],
    ['CmdOrCtrl+`', 'toggle-terminal'],
  ])('sends the window the action of %s', (accelerator, action) => {
    const send = vi.fn()
    const item = items({ send }).find((candidate) => candidate.accelerator === accelerator)
    ;(item!.click as unknown as () => void)()
    expect(send).toHaveBeenCalledExactlyOnceWith(action)
  })

  it('gives no shortcut away twice', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      const used = items({ platform, packaged: false }).flatMap((item) => item.accelerator ?? [])
      expect(new Set(used).size).toBe(used.length)
    }
  })

  it('leaves Ctrl+W to the shell', () => {
    const close = items().find((item) => item.role === 'close')
    expect(close?.accelerator).toBe('Ctrl+Shift+W')
  })

  it('has an application menu on macOS only', () => {
    expect(items({ platform: 'darwin' }).some((item) => item.role === 'appMenu')).toBe(true)
    expect(items().some((item) => item.role === 'appMenu')).toBe(false)
  })

  it('offers developer tools in development only', () => {
    const has = (packaged: boolean) =>
      items({ packaged }).some((item) => item.role === 'toggleDevTools')
    expect([has(true), has(false)]).toEqual([false, true])
  })
})
