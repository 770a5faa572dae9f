// SPDX-License-Identifier: Apache-2.0
// Entry of the thread that does one job of fetch-disk.ts: posts how far it is and then how it ended.
// Started by disk-image-thread.ts.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { MicrovmError, type WireError } from '../../../contract/errors'
import { runDiskJob, type DiskJob, type DiskJobProgress, type DiskJobResults } from './fetch-disk'

export type DiskJobMessage =
  | { readonly kind: 'progress'; readonly progress: DiskJobProgress }
  | { readonly kind: 'done'; readonly result: DiskJobResults[DiskJob['kind']] }
  | { readonly kind: 'failed'; readonly error: WireError }

const REPORT_EVERY_MS = 50

async function work(port: MessagePort, job: DiskJob): Promise<void> {
  const cancelling = new AbortController()
  const { signal } = cancelling
  port.on('message', () => cancelling.abort())
  const post = (message: DiskJobMessage): void => port.postMessage(message)
  let reported = { step: '', at: 0 }
  const onProgress = (progress: DiskJobProgress): void => {
    const { step } = progress
    const now = performance.now()
    if (step === reported.step && now - reported.at < REPORT_EVERY_MS) return
    reported = { step, at: now }
    post({ kind: 'progress', progress })
  }
  try {
    post({ kind: 'done', result: await runDiskJob(job, { signal, onProgress }) })
  } catch (error) {
    post({ kind: 'failed', error: MicrovmError.from(error).toWire() })
  } finally {
    port.close()
  }
}

if (!parentPort) throw new Error('this is the entry of a thread')
void work(parentPort, workerData as DiskJob)
