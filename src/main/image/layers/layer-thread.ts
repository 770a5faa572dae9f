// SPDX-License-Identifier: Apache-2.0
// Takes layers in on threads, seen from the thread that asks for it. A thread that has done a layer
// waits a little for the next one: most images have many small ones, and a thread takes longer to
// start than such a layer. Waiting threads keep no process alive.
import { Worker } from 'node:worker_threads'
import { MicrovmError } from '../../../contract/errors'
import { entryPoint } from '../../lib/entry-points'
import type { IngestOptions, LayerJob } from './layer-ingest'
import type { LayerSummary } from './layer-index'
import type { LayerMessage, LayerOrder } from './layer-worker'

export type IngestLayer = (job: LayerJob, options: IngestOptions) => Promise<LayerSummary>

/** For a thread that hangs in a system call and does not hear that it is cancelled. */
const CANCEL_GRACE_MS = 2000
const IDLE_MS = 1000
/** What streams by is garbage soon: collected early, a pull takes a tenth less memory in no more time. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 }

const idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = []

/** As `ingestLayer`. The layer's files are closed when the promise settles. */
export const ingestOnThread: IngestLayer = async (job, { signal, onBytes }) => {
  signal.throwIfAborted()
  const worker = takeWorker()
  const order = (message: LayerOrder): void => worker.postMessage(message)
  let grace: NodeJS.Timeout | undefined
  const cancel = (): void => {
    order({ kind: 'cancel' })
    grace = setTimeout(() => void worker.terminate(), CANCEL_GRACE_MS)
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const summary = await new Promise<LayerSummary>((resolve, reject) => {
      let crash: Error = new MicrovmError('INTERNAL', "the layer's thread ended without a word")
      worker.on('message', (message: LayerMessage) => {
        if (message.kind === 'bytes') onBytes?.(message.bytes)
        else if (message.kind === 'done') resolve(message.summary)
        else reject(MicrovmError.fromWire(message.error))
      })
      worker.on('error', (error) => (crash = error))
      worker.on('exit', () => reject(crash))
      order({ kind: 'take', job })
    })
    giveBack(worker)
    return summary
  } catch (error) {
    // Whatever state it is in, nobody has to know.
    await worker.terminate()
    throw signal.aborted ? new MicrovmError('CANCELLED', 'cancelled') : error
  } finally {
    signal.removeEventListener('abort', cancel)
    clearTimeout(grace)
  }
}

function takeWorker(): Worker {
  const waiting = idle.pop()
  if (waiting === undefined) return new Worker(entryPoint('layer-worker'), { resourceLimits })
  clearTimeout(waiting.timer)
  forget(waiting.worker)
  waiting.worker.ref()
  return waiting.worker
}

/** Takes our listeners off, not Node's own: without those a worker's messages arrive no more. */
function forget(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event)
}

function giveBack(worker: Worker): void {
  forget(worker)
  const timer = setTimeout(() => void end(), IDLE_MS).unref()
  const end = async (): Promise<void> => {
    const place = idle.findIndex((waiting) => waiting.worker === worker)
    if (place !== -1) idle.splice(place, 1)
    clearTimeout(timer)
    await worker.terminate()
  }
  // One that dies while it waits is simply not there any more.
  worker.on('error', () => void end())
  worker.unref()
  idle.push({ worker, timer })
}
