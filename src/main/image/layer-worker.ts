// SPDX-License-Identifier: Apache-2.0
// Entry of the thread that takes one layer in (layer-ingest.ts). Gets its job as workerData, posts
// how far it is and then how it ended; the message 'cancel' stops it. Started by layer-thread.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { MicrovmError, type WireError } from '../../contract/errors'
import { ingestLayer, type LayerJob } from './layer-ingest'
import type { LayerSummary } from './layer-index'

export type LayerMessage =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'done'; readonly summary: LayerSummary }
  | { readonly kind: 'failed'; readonly error: WireError }

const REPORT_EVERY_MS = 50

async function work(): Promise<void> {
  if (!parentPort) throw new Error('this is the entry of a thread')
  const port = parentPort
  const post = (message: LayerMessage): void => port.postMessage(message)
  const cancelling = new AbortController()
  port.on('message', () => cancelling.abort())
  let reportedAt = 0
  const onBytes = (bytes: number): void => {
    const now = performance.now()
    if (now - reportedAt < REPORT_EVERY_MS) return
    reportedAt = now
    post({ kind: 'bytes', bytes })
  }
  try {
    const job = workerData as LayerJob
    post({ kind: 'done', summary: await ingestLayer(job, { signal: cancelling.signal, onBytes }) })
  } catch (error) {
    post({ kind: 'failed', error: MicrovmError.from(error).toWire() })
  }
  port.close()
}

await work()
