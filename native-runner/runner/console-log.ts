// SPDX-License-Identifier: Apache-2.0
// The guest's console, in a file that never grows beyond its bound: when it would, a new file with
// the newest half takes its place (temp + rename, so a reader sees the old one or the new one).
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'

const LINE_FEED = 0x0a
/** Kept in memory for messages about a failed boot. */
const TAIL_BYTES = 4096

export class ConsoleLog {
  readonly #path: string
  readonly #maxBytes: number
  #file: FileHandle
  #size: number
  #tail: Buffer = Buffer.alloc(0)

  private constructor(path: string, maxBytes: number, file: FileHandle, size: number) {
    this.#path = path
    this.#maxBytes = maxBytes
    this.#file = file
    this.#size = size
  }

  /** Appends to what is there. @param maxBytes bytes the file may hold */
  static async open(path: string, maxBytes: number): Promise<ConsoleLog> {
    const file = await open(path, 'a+', 0o600)
    return new ConsoleLog(path, maxBytes, file, (await file.stat()).size)
  }

  /** Everything since `forget`, at most its last 4 KiB. */
  get tail(): string {
    return this.#tail.toString('utf8')
  }

  /** A new boot begins: the tail is to tell of that one only. */
  forget(): void {
    this.#tail = Buffer.alloc(0)
  }

  /**
   * Takes all output of one console, no faster than it can be written.
   * A log that cannot be written (disk full) loses output, never stops the machine.
   */
  async follow(source: Readable, onError: (error: unknown) => void): Promise<void> {
    try {
      for await (const chunk of source as AsyncIterable<Buffer>)
        await this.append(chunk).catch(onError)
    } catch (error) {
      // The console breaks when its VMM is killed; that is told elsewhere.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') onError(error)
    }
  }

  async append(chunk: Buffer): Promise<void> {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES)
    const half = Math.floor(this.#maxBytes / 2)
    const kept = chunk.length > half ? chunk.subarray(-half) : chunk
    if (this.#size + kept.length > this.#maxBytes) await this.#keepNewest(half)
    await this.#file.appendFile(kept)
    this.#size += kept.length
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  /** Replaces the file by its last `bytes`, from the first whole line on. */
  async #keepNewest(bytes: number): Promise<void> {
    const tail = Buffer.alloc(Math.min(bytes, this.#size))
    const { bytesRead } = await this.#file.read(tail, 0, tail.length, this.#size - tail.length)
    const content = tail.subarray(0, bytesRead)
    const newest = content.subarray(content.indexOf(LINE_FEED) + 1)
    const temporary = `${this.#path}.tmp`
    await rm(temporary, { force: true })
    const file = await open(temporary, 'ax+', 0o600)
    try {
      await file.appendFile(newest)
      await rename(temporary, this.#path)
    } catch (error) {
      await file.close()
      await rm(temporary, { force: true })
      throw error
    }
    await this.#file.close()
    this.#file = file
    this.#size = newest.length
  }
}
