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
  /** Names of a file's extended attributes. */
  export function listAttrs(fd: number): Promise<string[]>
  export function getAttr(fd: number, name: string): Promise<Buffer | null>
  export function setAttr(fd: number, name: string, value: Buffer): Promise<void>
}
