// SPDX-License-Identifier: Apache-2.0
// The fast way to draw a terminal, where the graphics card can do it. Where WebGL is missing or done
// in software, xterm's own renderer is quicker and stays.
import { WebglAddon } from '@xterm/addon-webgl'
import type { Terminal } from '@xterm/xterm'

let available: boolean | undefined

/** The browser's own "major performance caveat" lets software drivers pass on some systems: ask for the name too. */
function hasFastWebgl(): boolean {
  available ??= isFast(
    document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true }),
  )
  return available
}

function isFast(context: WebGL2RenderingContext | null): boolean {
  const names = context?.getExtension('WEBGL_debug_renderer_info')
  if (context === null || names === null || names === undefined) return false
  const renderer = String(context.getParameter(names.UNMASKED_RENDERER_WEBGL))
  context.getExtension('WEBGL_lose_context')?.loseContext()
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer)
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
