// SPDX-License-Identifier: Apache-2.0
// Takes one layer in on a thread of its own, seen from the thread that asks for it.
import { Worker } from 'node:worker_threads'
import { MicrovmError } from '../../contract/errors'
import { entryPoint } from '../lib/entry-points'
import type { IngestOptions, LayerJob } from './layer-ingest'
import type { LayerSummary } from './layer-index'
import type { LayerMessage } from './layer-worker'

export type IngestLayer = (job: LayerJob, options: IngestOptions) => Promise<LayerSummary>

/** For a thread that hangs in a system call and does not hear that it is cancelled. */
const CANCEL_GRACE_MS = 2000

/** As `ingestLayer`. The thread is gone when the promise settles. */
export const ingestOnThread: IngestLayer = async (job, { signal, onBytes }) => {
  signal.throwIfAborted()
  const worker = new Worker(entryPoint('layer-worker'), { workerData: job })
  let grace: NodeJS.Timeout | undefined
  const cancel = (): void => {
    worker.postMessage('cancel')
    grace = setTimeout(() => void worker.terminate(), CANCEL_GRACE_MS)
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await new Promise<LayerSummary>((resolve, reject) => {
      let failure: Error = new MicrovmError('INTERNAL', "the layer's thread ended without a word")
      let summary: LayerSummary | undefined
      worker.on('message', (message: LayerMessage) => {
        if (message.kind === 'bytes') onBytes?.(message.bytes)
        else if (message.kind === 'done') summary = message.summary
        else failure = MicrovmError.fromWire(message.error)
      })
      worker.on('error', (error) => (failure = error))
      worker.on('exit', () => {
        if (summary) resolve(summary)
        else reject(signal.aborted ? new MicrovmError('CANCELLED', 'cancelled') : failure)
      })
    })
  } finally {
    signal.removeEventListener('abort', cancel)
    clearTimeout(grace)
  }
}
