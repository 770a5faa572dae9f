// SPDX-License-Identifier: Apache-2.0
// node pull-once.mjs DATA_DIR REFERENCE…: pulls images one after the other with the built engine until they can
// boot, and prints as JSON how long each took beside Node's own start, and for how long the main thread was blocked
// at most (ms).
import { monitorEventLoopDelay } from 'node:perf_hooks'

const [dataDir = '', ...references] = process.argv.slice(2)
/** The built engine, by an address the compiler does not follow: it has the types of the sources. */
const built = new URL('../../out/main/engine.js', import.meta.url).href
/** @type {typeof import('../../src/main/engine')} */
const { createEngine } = await import(built)
const engine = await createEngine({ dataDir, env: process.env })
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const took = []
for (const reference of references) {
  const start = performance.now()
  await engine.images.pull(reference, {})
  took.push(performance.now() - start)
}
delay.disable()
await engine.close()
console.log(JSON.stringify({ took, blocked: delay.max / 1e6 }))
