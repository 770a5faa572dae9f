// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { isAppUrl, resolveAppFile } from '../../../../src/main/shell/app-url'

describe('isAppUrl', () => {
  it.each(['app://microvm/', 'app://microvm/index.html', 'app://microvm/index.html#/machines'])(
    'takes %s for ours',
    (url) => expect(isAppUrl(url)).toBe(true),
  )

  it.each([
    'https://microvm/',
    'app://microvm.evil.example/',
    'app://evil/',
    'app://user@microvm/',
    'app://microvm:8080/',
    'file:///index.html',
    'data:text/html,app://microvm/',
    'about:blank',
    'about:srcdoc',
    '',
    'app:microvm',
  ])('refuses %s', (url) => expect(isAppUrl(url)).toBe(false))
})

describe('resolveAppFile', () => {
  const resolved = (path: string) => resolveAppFile('/root', `app://microvm${path}`)

  it('maps a path to a file below the root, with its type', () => {
    expect(resolved('/index.html')).toEqual({
      path: '/root/index.html',
      type: 'text/html; charset=utf-8',
    })
    expect(resolved('/assets/index-B_c-1.js')?.path).toBe('/root/assets/index-B_c-1.js')
    expect(resolved('/assets/index-B_c-1.js')?.type).toMatch(/^text\/javascript/)
  })

  it('ignores query and fragment', () => {
    expect(resolved('/index.html?x=../..#/y')?.path).toBe('/root/index.html')
  })

  it('cannot be led out of the root', () => {
    // The URL parser itself folds these; what is left must still be below the root.
    expect(resolved('/../../etc/passwd.html')?.path).toBe('/root/etc/passwd.html')
    expect(resolved('/%2e%2e/%2e%2e/etc/x.html')?.path).toBe('/root/etc/x.html')
  })

  it.each([
    '/',
    '/assets/',
    '/assets//index.js',
    '/..%2fsecret.html',
    '/%2e%2e%2fsecret.html',
    '/..%5csecret.html',
    '/a%00.html',
    '/.hidden.js',
    '/assets/.env.json',
    '/index.exe',
    '/index',
    '/a b.html',
  ])('refuses %s', (path) => expect(resolved(path)).toBeUndefined())

  it('refuses other origins', () => {
    expect(resolveAppFile('/root', 'app://other/index.html')).toBeUndefined()
    expect(resolveAppFile('/root', 'https://microvm/index.html')).toBeUndefined()
  })
})
