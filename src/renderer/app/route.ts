// SPDX-License-Identifier: Apache-2.0
// Where the window is. The address is the URL's fragment, so that reload and back work; parsing
// and printing are pure, the store follows the fragment.
import { create } from 'zustand'

export const machineTabs = ['overview', 'console', 'network', 'settings'] as const
export type MachineTab = (typeof machineTabs)[number]
const imageTabs = ['layers', 'configuration', 'users'] as const
export type ImageTab = (typeof imageTabs)[number]

export type Route =
  | { readonly page: 'machines' }
  | { readonly page: 'machine'; readonly id: string; readonly tab: MachineTab }
  | { readonly page: 'images' }
  | { readonly page: 'image'; readonly reference: string; readonly tab: ImageTab }
  | { readonly page: 'settings' }

/** "#/machines/3f…/console" → a route; anything unknown leads to the machines. */
export function parseRoute(fragment: string): Route {
  const [page, argument, tab] = fragment.replace(/^#\/?/, '').split('/').map(decode)
  if (page === 'machines' && argument !== undefined && argument !== '')
    return { page: 'machine', id: argument, tab: machineTabs.find((t) => t === tab) ?? 'overview' }
  if (page === 'images' && argument !== undefined && argument !== '')
    return {
      page: 'image',
      reference: argument,
      tab: imageTabs.find((t) => t === tab) ?? 'layers',
    }
  if (page === 'images' || page === 'settings') return { page }
  return { page: 'machines' }
}

export function printRoute(route: Route): string {
  if (route.page === 'machine')
    return `#/machines/${encodeURIComponent(route.id)}/${encodeURIComponent(route.tab)}`
  if (route.page === 'image')
    return `#/images/${encodeURIComponent(route.reference)}/${encodeURIComponent(route.tab)}`
  return `#/${route.page}`
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const useRoute = create<{ readonly route: Route }>(() => ({ route: { page: 'machines' } }))

export function navigate(route: Route): void {
  location.hash = printRoute(route)
  useRoute.setState({ route })
}

export function openMachine(id: string, tab: MachineTab = 'overview'): void {
  navigate({ page: 'machine', id, tab })
}

export function openImage(reference: string, tab: ImageTab = 'layers'): void {
  navigate({ page: 'image', reference, tab })
}

/** Follows the fragment; called once, at start. */
export function followRoute(): void {
  const read = (): void => useRoute.setState({ route: parseRoute(location.hash) })
  addEventListener('hashchange', read)
  read()
}
