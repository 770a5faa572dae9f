// SPDX-License-Identifier: Apache-2.0
// The fast way to draw a terminal, where the graphics card can do it. Where WebGL is missing or done
// in software, xterm's own renderer is quicker and stays.
import { WebglAddon } from '@xterm/addon-webgl'
import type { Terminal } from '@xterm/xterm'

let available: boolean | undefined

function hasFastWebgl(): boolean {
  available ??=
    document
      .createElement('canvas')
      .getContext('webgl2', { failIfMajorPerformanceCaveat: true }) !== null
  return available
}

/** Draws with WebGL until the returned function is called or the context is lost. */
export function drawWithWebgl(terminal: Terminal): () => void {
  if (!hasFastWebgl()) return () => {}
  let addon: WebglAddon | undefined
  const stop = (): void => {
    addon?.dispose()
    addon = undefined
  }
  try {
    addon = new WebglAddon()
    addon.onContextLoss(stop)
    terminal.loadAddon(addon)
  } catch {
    stop()
  }
  return stop
}
