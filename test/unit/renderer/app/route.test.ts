// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseRoute, printRoute, type Route } from '../../../../src/renderer/app/route'

const routes: Route[] = [
  { page: 'machines' },
  { page: 'machine', id: '0123456789ab', tab: 'console' },
  { page: 'images' },
  { page: 'image', reference: 'ghcr.io/acme/worker:1.4@sha256:00', tab: 'users' },
  { page: 'settings' },
]

describe('routes', () => {
  it.each(routes)('survive being written into the address: $page', (route) => {
    expect(parseRoute(printRoute(route))).toEqual(route)
  })

  it('lead to the machines from anything unknown', () => {
    for (const fragment of ['', '#', '#/', '#/nowhere/x', '#/machines/'])
      expect(parseRoute(fragment)).toEqual({ page: 'machines' })
  })

  it('show the overview when the tab is unknown, and survive broken escapes', () => {
    expect(parseRoute('#/machines/%E0%A4%A/files')).toEqual({
      page: 'machine',
      id: '%E0%A4%A',
      tab: 'overview',
    })
  })
})
