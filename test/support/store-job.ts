// SPDX-License-Identifier: Apache-2.0
// What a process with the image store is told to do (store-process.ts).

export type Work =
  | { readonly kind: 'pull'; readonly reference: string }
  | { readonly kind: 'remove'; readonly reference: string }
  | { readonly kind: 'import' | 'importStream'; readonly path: string; readonly reference: string }
  | { readonly kind: 'tag'; readonly reference: string; readonly name: string }
  | { readonly kind: 'disk'; readonly reference: string; readonly key: string }
  | { readonly kind: 'prune' }

export interface StoreJob {
  readonly dataDir: string
  readonly work: Work
}

/** The time in that process, and in the tests' own store: the same inputs give the same files. */
export const NOW = 5
