// SPDX-License-Identifier: Apache-2.0
// Entry of the thread that holds images open for browsing; its data is the store's folder of layers.
// Started by browse-service.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { serveBrowsing } from './browse-server'

if (!parentPort) throw new Error('this is the entry of a thread')
serveBrowsing(parentPort, workerData as string)
