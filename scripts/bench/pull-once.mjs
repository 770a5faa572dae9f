// SPDX-License-Identifier: Apache-2.0
// node pull-once.mjs REFERENCE DATA_DIR: pulls an image with the built engine until it can boot, and prints
// as JSON for how long the main thread was blocked meanwhile, and how long it took beside Node's own start (ms).
import { monitorEventLoopDelay } from 'node:perf_hooks'

const [reference = '', dataDir = ''] = process.argv.slice(2)
/** The built engine, by an address the compiler does not follow: it has the types of the sources. */
const built = new URL('../../out/main/engine.js', import.meta.url).href
/** @type {typeof import('../../src/main/engine')} */
const { createEngine } = await import(built)
const engine = await createEngine({ dataDir, env: process.env })
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const start = performance.now()
await engine.images.pull(reference, {})
const took = performance.now() - start
delay.disable()
await engine.close()
console.log(JSON.stringify({ took, blocked: delay.max / 1e6 }))
