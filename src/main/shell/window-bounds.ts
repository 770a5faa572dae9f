// SPDX-License-Identifier: Apache-2.0
// Where the window was last time, as window.json in Electron's own folder. A file that cannot be
// read or makes no sense (a screen that is gone) only means the default place.
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const size = z.number().int().positive().max(100_000)
const position = z.number().int().min(-100_000).max(100_000)
const savedSchema = z.object({
  x: position,
  y: position,
  width: size,
  height: size,
  maximized: z.boolean(),
})
export type SavedBounds = z.infer<typeof savedSchema>

export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export const minimumSize = { width: 760, height: 480 } as const
const preferredSize = { width: 1180, height: 780 } as const
/** How much of the title bar must be on some screen for the window to be reachable. */
const REACHABLE = 80

export function readBounds(path: string): SavedBounds | undefined {
  try {
    return savedSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** Synchronous: it runs while the window closes, when nothing awaits any more. Losing it is no error. */
export function writeBounds(path: string, bounds: SavedBounds): void {
  try {
    writeFileSync(path, JSON.stringify(bounds), { mode: 0o600 })
  } catch {
    // The next start opens at the default place.
  }
}

/** The saved place if its title bar is still on a screen (`screens`: work areas), else a default size the first screen can hold. */
export function placeWindow(
  saved: SavedBounds | undefined,
  screens: readonly Area[],
): { width: number; height: number; x?: number; y?: number } {
  if (saved !== undefined && screens.some((screen) => isReachable(saved, screen)))
    return {
      x: saved.x,
      y: saved.y,
      width: Math.max(saved.width, minimumSize.width),
      height: Math.max(saved.height, minimumSize.height),
    }
  const first = screens[0] ?? preferredSize
  return {
    width: Math.min(preferredSize.width, first.width),
    height: Math.min(preferredSize.height, first.height),
  }
}

function isReachable(saved: SavedBounds, screen: Area): boolean {
  const visible =
    Math.min(saved.x + saved.width, screen.x + screen.width) - Math.max(saved.x, screen.x)
  return (
    visible >= REACHABLE && saved.y >= screen.y && saved.y < screen.y + screen.height - REACHABLE
  )
}
