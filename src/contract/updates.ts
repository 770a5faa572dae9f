// SPDX-License-Identifier: Apache-2.0
// What the window knows of new versions of the app.
import type { WireError } from './errors'

export type UpdateState =
  /** Nothing is looked for; `why` says so in a sentence. */
  | { readonly status: 'off'; readonly why: string }
  /** Not asked yet since the app was started. */
  | { readonly status: 'unknown' }
  | { readonly status: 'checking' }
  | { readonly status: 'newest' }
  | {
      readonly status: 'downloading'
      readonly version: string
      /** 0 to 1. */ readonly part: number
    }
  /** It can be installed, which ends the app and starts the new one. */
  | { readonly status: 'ready'; readonly version: string }
  | { readonly status: 'failed'; readonly error: WireError }

/** What became of the wish to install; 'ask': machines run, and nobody has said that they may be left alone for it. */
export type InstallAnswer =
  { readonly answer: 'installing' } | { readonly answer: 'ask'; readonly running: number }
