// SPDX-License-Identifier: Apache-2.0
// Reads console.log, which the runner appends to, and now and then replaces by its newest half.
import { watch, type FSWatcher } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'

const CHUNK_BYTES = 64 * 1024
const POLL_MS = 500
/** How much of the old file's end is looked for in the one that took its place. */
const OVERLAP_BYTES = 4096

/** The last `maxBytes` of the log, from the first whole character on; '' if there is none yet. */
export async function readConsoleTail(path: string, maxBytes: number): Promise<string> {
  const file = await openIfThere(path)
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - maxBytes)
    const bytes = await readRange(file, start, size - start)
    return bytes.subarray(start === 0 ? 0 : continuationBytes(bytes)).toString('utf8')
  } finally {
    await file.close()
  }
}

/**
 * Calls `listener` with what is appended from now on, in whole characters.
 * @returns the function that stops it
 */
export function followConsoleFile(path: string, listener: (text: string) => void): () => void {
  const follower = new Follower(path, listener)
  const watcher = watchFile(path, () => follower.check())
  const poll = setInterval(() => follower.check(), POLL_MS)
  return () => {
    clearInterval(poll)
    watcher?.close()
    follower.stop()
  }
}

class Follower {
  readonly #path: string
  readonly #listener: (text: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #file: FileHandle | undefined
  #position = 0
  #stopped = false
  /** One look at a time, and at most one more that waits. */
  #looking: Promise<void>
  #waiting = false

  constructor(path: string, listener: (text: string) => void) {
    this.#path = path
    this.#listener = listener
    this.#looking = this.#begin().catch(() => undefined)
  }

  check(): void {
    if (this.#waiting || this.#stopped) return
    this.#waiting = true
    this.#looking = this.#looking
      .then(() => {
        this.#waiting = false
        return this.#look()
      })
      .catch(() => undefined)
  }

  stop(): void {
    this.#stopped = true
    void this.#looking.then(() => this.#file?.close())
  }

  async #begin(): Promise<void> {
    this.#file = await openIfThere(this.#path)
    this.#position = (await this.#file?.stat())?.size ?? 0
  }

  async #look(): Promise<void> {
    await this.#readOn()
    const present = await stat(this.#path).catch(() => undefined)
    if (present === undefined || present.ino === (await this.#file?.stat())?.ino) return
    const next = await openIfThere(this.#path)
    if (next === undefined) return
    const old = this.#file
    if (old !== undefined) {
      // Appending had ended before the new file took the name: this is all of the old one.
      await this.#readOn()
      this.#position = await continueAt(old, this.#position, next)
      await old.close()
    }
    this.#file = next
    await this.#readOn()
  }

  async #readOn(): Promise<void> {
    while (this.#file !== undefined && !this.#stopped) {
      const bytes = await readRange(this.#file, this.#position, CHUNK_BYTES)
      if (bytes.length === 0) return
      this.#position += bytes.length
      const text = this.#decoder.write(bytes)
      if (text !== '' && !this.#stopped) this.#listener(text)
    }
  }
}

/** Where in the new file the old one's end is; its start if it is not in there at all. */
async function continueAt(old: FileHandle, end: number, next: FileHandle): Promise<number> {
  const overlap = await readRange(
    old,
    Math.max(0, end - OVERLAP_BYTES),
    Math.min(end, OVERLAP_BYTES),
  )
  const { size } = await next.stat()
  const found = (await readRange(next, 0, size)).indexOf(overlap)
  return found === -1 ? 0 : found + overlap.length
}

function watchFile(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    // The folder, not the file: the name outlives the file behind it.
    const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === basename(path)) onChange()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** At most `length` bytes from `start` on. */
async function readRange(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** How many bytes at the beginning belong to a character whose start was cut off. */
function continuationBytes(bytes: Buffer): number {
  let count = 0
  while (count < 3 && ((bytes[count] ?? 0) & 0b1100_0000) === 0b1000_0000) count += 1
  return count
}
