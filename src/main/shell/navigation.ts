// SPDX-License-Identifier: Apache-2.0
// Nothing but our own page, ever: no navigation, no redirect, no frame, no new window, no <webview>,
// no download, no request that leaves the app's own scheme.
import { shell, type Session, type WebContents } from 'electron'
import { MicrovmError } from '../../contract/errors'
import type { Logger } from '../lib/logger'

/** To be called for every WebContents there is. */
export function forbidNavigation(contents: WebContents, logger: Logger): void {
  const refuse = (what: string) => (event: { preventDefault(): void; url?: string }) => {
    event.preventDefault()
    logger.warn('refused', { what, url: event.url })
  }
  contents.on('will-navigate', refuse('navigation'))
  contents.on('will-frame-navigate', refuse('navigation of a frame'))
  contents.on('will-redirect', refuse('redirect'))
  contents.on('will-attach-webview', refuse('webview'))
  contents.setWindowOpenHandler(({ url }) => {
    logger.warn('refused', { what: 'new window', url })
    return { action: 'deny' }
  })
}

/** The second fence behind the page's content security policy. */
export function forbidRemoteContent(session: Session): void {
  const urls = ['http', 'https', 'ws', 'wss', 'ftp', 'file'].map((scheme) => `${scheme}://*/*`)
  session.webRequest.onBeforeRequest({ urls }, (_details, callback) => callback({ cancel: true }))
  session.on('will-download', (event) => event.preventDefault())
}

/** Opens a web page in the user's browser. Anything but http and https is refused: other schemes can start programs. */
export async function openInBrowser(url: string): Promise<void> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
    throw new MicrovmError('INVALID_ARGUMENT', 'only http and https links can be opened')
  await shell.openExternal(parsed.href)
}
