// SPDX-License-Identifier: Apache-2.0
// Entry of the threads that take layers in (layer-ingest.ts), one after the other. Gets each as a
// message, posts how far it is and then how it ended. Started by layer-thread.ts.
import { parentPort, type MessagePort } from 'node:worker_threads'
import { MicrovmError, type WireError } from '../../../contract/errors'
import { ingestLayer, type LayerJob } from './layer-ingest'
import type { LayerSummary } from './layer-index'

export type LayerOrder =
  { readonly kind: 'take'; readonly job: LayerJob } | { readonly kind: 'cancel' }

export type LayerMessage =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'done'; readonly summary: LayerSummary }
  | { readonly kind: 'failed'; readonly error: WireError }

const REPORT_EVERY_MS = 50

function serve(port: MessagePort): void {
  let cancelling = new AbortController()
  port.on('message', (order: LayerOrder) => {
    if (order.kind === 'cancel') cancelling.abort()
    else {
      cancelling = new AbortController()
      void take(port, order.job, cancelling.signal)
    }
  })
}

async function take(port: MessagePort, job: LayerJob, signal: AbortSignal): Promise<void> {
  const post = (message: LayerMessage): void => port.postMessage(message)
  let reportedAt = 0
  const onBytes = (bytes: number): void => {
    const now = performance.now()
    if (now - reportedAt < REPORT_EVERY_MS) return
    reportedAt = now
    post({ kind: 'bytes', bytes })
  }
  try {
    post({ kind: 'done', summary: await ingestLayer(job, { signal, onBytes }) })
  } catch (error) {
    post({ kind: 'failed', error: MicrovmError.from(error).toWire() })
  }
}

if (!parentPort) throw new Error('this is the entry of a thread')
serve(parentPort)
