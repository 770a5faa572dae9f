// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { isTrustedSender, type CallOrigin } from '../../../../src/main/shell/trusted-sender'

const WINDOW = 7
const topFrame = { url: 'app://microvm/index.html', parent: null, frameTreeNodeId: 3 }

function origin(overrides: Partial<CallOrigin> = {}): CallOrigin {
  return { sender: { id: WINDOW, mainFrame: topFrame }, senderFrame: topFrame, ...overrides }
}

describe('isTrustedSender', () => {
  it('trusts the top frame of our window on our page', () => {
    expect(isTrustedSender(origin(), WINDOW)).toBe(true)
  })

  it('refuses another window, and any while none is open', () => {
    expect(isTrustedSender(origin(), 8)).toBe(false)
    expect(isTrustedSender(origin(), undefined)).toBe(false)
  })

  it('refuses a frame inside the page, even of our own origin', () => {
    const inner = { ...topFrame, parent: topFrame, frameTreeNodeId: 4 }
    expect(isTrustedSender(origin({ senderFrame: inner }), WINDOW)).toBe(false)
  })

  it('refuses a top frame that is not the window’s', () => {
    const other = { ...topFrame, frameTreeNodeId: 5 }
    expect(isTrustedSender(origin({ senderFrame: other }), WINDOW)).toBe(false)
  })

  it('refuses our window once it shows another page', () => {
    const elsewhere = { ...topFrame, url: 'https://example.com/' }
    expect(isTrustedSender(origin({ senderFrame: elsewhere }), WINDOW)).toBe(false)
  })

  it('refuses a frame that is gone', () => {
    expect(isTrustedSender(origin({ senderFrame: null }), WINDOW)).toBe(false)
  })
})
