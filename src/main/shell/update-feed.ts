// SPDX-License-Identifier: Apache-2.0
// Where new versions of the app are looked for, if anywhere: MICROVM_UPDATE_FEED, else what the package was built with
// (resources/app-update.yml), else nowhere. Only packages update themselves.
import { isIP } from 'node:net'

export type UpdateFeed =
  | { readonly kind: 'off'; readonly why: string }
  | { readonly kind: 'environment'; readonly url: string }
  /** The package's own file says where. */
  | { readonly kind: 'package' }

/** Never throws: a feed that cannot be used is no reason not to start. */
export function chooseUpdateFeed(deps: {
  readonly packaged: boolean
  readonly env: NodeJS.ProcessEnv
  /** Whether the package names a feed. */
  readonly named: boolean
}): UpdateFeed {
  if (!deps.packaged) return off('This is a development build.')
  const address = deps.env['MICROVM_UPDATE_FEED']
  if (!address)
    return deps.named ? { kind: 'package' } : off('This package names no feed for them.')
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !isSafe(url))
    return off('MICROVM_UPDATE_FEED is no address that begins with https://.')
  return { kind: 'environment', url: url.href }
}

/** The checksum of an update comes the same way as the update: that way must be one nobody can meddle with. */
function isSafe({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  const host = hostname.replace(/^\[|\]$/g, '')
  return protocol === 'http:' && isIP(host) > 0 && /^(127\.|::1$)/.test(host)
}

const off = (why: string): UpdateFeed => ({ kind: 'off', why })
