// SPDX-License-Identifier: Apache-2.0
// Runs a job of fetch-disk.ts on a thread of its own, seen from the thread that asks for it.
import { Worker } from 'node:worker_threads'
import { MicrovmError } from '../../../contract/errors'
import { entryPoint } from '../../lib/entry-points'
import type { DiskJobMessage } from './disk-image-worker'
import type { DiskJob, DiskJobOptions, DiskJobResults, RunDiskJob } from './fetch-disk'

/** For a thread that hangs in a system call and does not hear that it is cancelled. */
const CANCEL_GRACE_MS = 2000

/** As `runDiskJob`. The thread is gone, and with it its open files, when the promise settles. */
export const runDiskJobOnThread = (async (job: DiskJob, options: DiskJobOptions) => {
  const { signal, onProgress } = options
  signal.throwIfAborted()
  const worker = new Worker(entryPoint('disk-image-worker'), { workerData: job })
  let grace: NodeJS.Timeout | undefined
  const cancel = (): void => {
    worker.postMessage('cancel')
    grace = setTimeout(() => void worker.terminate(), CANCEL_GRACE_MS)
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await new Promise<DiskJobResults[DiskJob['kind']]>((resolve, reject) => {
      let failure: Error = new MicrovmError('INTERNAL', "the disk's thread ended without a word")
      let result: DiskJobResults[DiskJob['kind']] | undefined
      worker.on('message', (message: DiskJobMessage) => {
        if (message.kind === 'progress') onProgress?.(message.progress)
        else if (message.kind === 'done') ({ result } = message)
        else failure = MicrovmError.fromWire(message.error)
      })
      worker.on('error', (error) => (failure = error))
      worker.on('exit', () => {
        if (result !== undefined) resolve(result)
        else reject(signal.aborted ? new MicrovmError('CANCELLED', 'cancelled') : failure)
      })
    })
  } finally {
    signal.removeEventListener('abort', cancel)
    clearTimeout(grace)
  }
}) as RunDiskJob
