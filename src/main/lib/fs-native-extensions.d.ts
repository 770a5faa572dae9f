// SPDX-License-Identifier: Apache-2.0
// The calls we use; the package ships no types.
declare module 'fs-native-extensions' {
  /** Exclusive lock on the whole file unless `shared`; false if another open file holds it. */
  export function tryLock(
    fd: number,
    offset?: number,
    length?: number,
    options?: { shared?: boolean },
  ): boolean
  export function unlock(fd: number, offset?: number, length?: number): void
}
