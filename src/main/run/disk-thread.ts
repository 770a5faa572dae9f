// SPDX-License-Identifier: Apache-2.0
// Builds an image disk on a thread of its own, seen from the thread that asks for it.
import { Worker } from 'node:worker_threads'
import { MicrovmError } from '../../contract/errors'
import { entryPoint } from '../lib/entry-points'
import type { Logger } from '../lib/logger'
import type { DiskJob, DiskMessage } from './disk-worker'

/**
 * As `ensureImageDisk`. The thread is gone when the promise settles.
 * @returns path of the VMDK descriptor
 */
export async function buildDiskOnThread(
  job: DiskJob,
  logger: Logger,
  signal: AbortSignal | undefined,
): Promise<string> {
  signal?.throwIfAborted()
  const worker = new Worker(entryPoint('disk-worker'), { workerData: job })
  const cancel = (): void => worker.postMessage('cancel')
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    return await new Promise<string>((resolve, reject) => {
      let failure: Error = new MicrovmError('INTERNAL', "the disk's thread ended without a word")
      let descriptorPath: string | undefined
      worker.on('message', (message: DiskMessage) => {
        if (message.kind === 'log') logger[message.level](message.text, { ...message.fields })
        else if (message.kind === 'done') descriptorPath = message.descriptorPath
        else failure = MicrovmError.fromWire(message.error)
      })
      worker.on('error', (error) => (failure = error))
      worker.on('exit', () => {
        if (descriptorPath !== undefined) resolve(descriptorPath)
        else reject(signal?.aborted ? new MicrovmError('CANCELLED', 'cancelled') : failure)
      })
    })
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}
