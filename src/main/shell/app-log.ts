// SPDX-License-Identifier: Apache-2.0
// The app's log file. Bounded: when it is full it becomes `<name>.old` and a new one begins, so the
// two together never hold more than twice the limit. Lines are written at once, to survive a crash.
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

const LIMIT_BYTES = 2 * 1024 * 1024

/** A function that appends one line (given with its line feed). Never throws: a log that cannot be written must not stop the app. */
export function openAppLog(path: string, limitBytes = LIMIT_BYTES): (line: string) => void {
  let file = open(path)
  return (line) => {
    if (file === undefined) return
    try {
      const bytes = Buffer.from(line)
      if (file.size > 0 && file.size + bytes.length > limitBytes) {
        closeSync(file.descriptor)
        renameSync(path, `${path}.old`)
        file = open(path)
        if (file === undefined) return
      }
      writeSync(file.descriptor, bytes)
      file.size += bytes.length
    } catch {
      file = undefined
    }
  }
}

function open(path: string): { descriptor: number; size: number } | undefined {
  try {
    const descriptor = openSync(path, 'a', 0o600)
    return { descriptor, size: fstatSync(descriptor).size }
  } catch {
    return undefined
  }
}
