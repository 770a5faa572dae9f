// SPDX-License-Identifier: Apache-2.0
// The address of the app's own page, and what of it may be asked for. Pure.
import { extname, join } from 'node:path'

export const APP_SCHEME = 'app'
const APP_HOST = 'microvm'
const APP_ORIGIN = `${APP_SCHEME}://${APP_HOST}`
export const APP_PAGE = `${APP_ORIGIN}/index.html`

/** Whether a URL is of the app's own origin. Compared by parts: `new URL().origin` is "null" for own schemes in Node. */
export function isAppUrl(url: string): boolean {
  const parsed = parse(url)
  return (
    parsed !== null &&
    parsed.protocol === `${APP_SCHEME}:` &&
    parsed.host === APP_HOST &&
    parsed.username === '' &&
    parsed.password === ''
  )
}

const mimeTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

/** Letters, digits, `_`, `-`, `.`; no dot first. So no `..`, no percent escapes, no separators, no hidden files. */
const safeSegment = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/**
 * The file an app URL stands for, and its type; undefined for anything that is not a plain file name
 * of a known type below `root`. Says nothing about whether the file exists.
 */
export function resolveAppFile(
  root: string,
  url: string,
): { readonly path: string; readonly type: string } | undefined {
  const parsed = parse(url)
  if (parsed === null || !isAppUrl(url)) return undefined
  const segments = parsed.pathname.slice(1).split('/')
  if (!segments.every((segment) => safeSegment.test(segment))) return undefined
  const type = mimeTypes[extname(parsed.pathname)]
  return type === undefined ? undefined : { path: join(root, ...segments), type }
}

function parse(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null
}
