// SPDX-License-Identifier: Apache-2.0
// Serves the built renderer at app://microvm/, the only place the window ever loads anything from.
// Read-only, GET only, a closed set of file types, and a content security policy on every answer.
import { readFile } from 'node:fs/promises'
import { protocol, type Session } from 'electron'
import { APP_SCHEME, resolveAppFile } from './app-url'

/**
 * Inline styles are allowed because xterm's DOM renderer writes its theme as `<style>` elements and
 * 24-bit colours as `style` attributes. Scripts come from our own files only; nothing may be fetched.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const commonHeaders = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Must run before Electron is ready. */
export function declareAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, codeCache: true } },
  ])
}

/** Serves the files below `root` (out/renderer) to the pages of one session. */
export function serveRenderer(session: Session, root: string): void {
  session.protocol.handle(APP_SCHEME, (request) => answer(root, request))
}

/** One request answered: 200, 404 for what is not ours to give, 405 for anything but GET. */
async function answer(root: string, request: Pick<Request, 'method' | 'url'>): Promise<Response> {
  if (request.method !== 'GET') return refusal(405)
  const file = resolveAppFile(root, request.url)
  if (file === undefined) return refusal(404)
  const body = await readFile(file.path).catch(() => undefined)
  if (body === undefined) return refusal(404)
  return new Response(new Uint8Array(body), {
    headers: { ...commonHeaders, 'Content-Type': file.type },
  })
}

function refusal(status: 404 | 405): Response {
  return new Response(null, { status, headers: commonHeaders })
}
