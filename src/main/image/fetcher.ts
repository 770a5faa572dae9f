// SPDX-License-Identifier: Apache-2.0
// Where an image comes from when it is not here: the interface of all such places. Ours are the local
// daemons (daemon/daemon-fetcher.ts) and the registries (registry/registry-image.ts); whoever uses
// the engine as a library may put others beside or in place of them.
//
// A fetcher only finds an image and hands it over. The store checks every byte, whoever it comes from:
// manifest, config and layers by digest, sizes and counts by its limits, the platform. What is left
// to a fetcher's honesty is which image a name without a digest means.
import type { OnProgress } from '../../contract/images'
import type { ImageContent } from './image-content'
import type { Platform } from './platform'
import type { ImageReference } from './reference'

export interface ImageFetcher {
  /** For people and the log: "Docker", "the registry". */
  readonly name: string
  /**
   * Whether it tells what a name means now, for everybody ('remote'), or what somebody here has kept
   * under that name, maybe for long ('local'). An explicit pull asks only the one or the other kind.
   */
  readonly place: 'local' | 'remote'
  /**
   * Looks for the image and, if it is there, calls `store` with it, once. What it hands over must stay
   * good until `store` ends, whose errors it lets through.
   * @returns that it does not have the image, which is no error; or that it has been stored
   * @throws anything else: the next fetcher is asked then, and the user told
   */
  fetch(request: ImageRequest, store: StoreFetched): Promise<FetchOutcome>
}

export interface ImageRequest {
  /** With a digest, that manifest or index is meant and no other. */
  readonly reference: ImageReference
  readonly platform: Platform
  /** The registry may be reached without encryption, wherever it is. */
  readonly plainHttp?: boolean
  readonly signal: AbortSignal
  /** For what takes a while before there is something to store. */
  readonly onProgress: OnProgress
}

/** An image, in the form that is the easiest for whoever has it. */
export type FetchedImage = (
  | { readonly kind: 'content'; readonly content: ImageContent }
  /** A file or folder as `importPath` takes it. */
  | { readonly kind: 'path'; readonly path: string }
  /** An archive as `importStream` takes it. */
  | {
      readonly kind: 'archive'
      readonly archive: AsyncIterable<Buffer>
      /** About how much will come, if known. */
      readonly bytes?: number | undefined
    }
) & {
  /** For people, where the name alone does not say it: "Docker". */
  readonly from?: string
  /** What must come and nothing else: the digest of the image's config, manifest or index. */
  readonly id?: string
}

export type StoreFetched = (image: FetchedImage) => Promise<void>

export type FetchOutcome =
  | { readonly found: true }
  /** @property why for people: "is not running", "has no such image" */
  | { readonly found: false; readonly why: string }
