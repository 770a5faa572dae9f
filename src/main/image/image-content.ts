// SPDX-License-Identifier: Apache-2.0
// From "this image, wherever it lies" to everything needed to store it: the manifest for this
// machine's platform, the config, and where each layer's blob can be read. A registry and an OCI
// layout differ only in how they hand out content.
import { MicrovmError } from '../../contract/errors'
import type { BlobSource } from './layers/blob-source'
import { parseImageConfig, type ParsedConfig } from './image-config'
import { MAX_CONFIG_BYTES, MAX_INDEX_DEPTH } from './limits'
import { parseManifest, type Descriptor } from './manifest'
import { platformName, platformRank, wrongPlatform, type Platform } from './platform'

export interface ContentProvider {
  /** The bytes of a manifest or index, checked against its digest. */
  manifest(digest: string, signal?: AbortSignal): Promise<FetchedManifest>
  /** A small blob, whole and checked. */
  smallBlob(descriptor: Descriptor, max: number, signal?: AbortSignal): Promise<Buffer>
  /** Where the bytes of a large one are; its reader checks them. */
  source(descriptor: Descriptor): BlobSource | Promise<BlobSource>
}

export interface FetchedManifest {
  readonly bytes: Buffer
  readonly digest: string
  readonly mediaType?: string | undefined
}

export interface ContentLayer {
  readonly diffId: string
  /** Of the blob, if anything names it. */
  readonly digest?: string
  readonly blobSize: number
  readonly source: BlobSource
}

export interface ImageContent {
  readonly manifest: Buffer
  readonly digest: string
  /** Of the index or manifest by which it was found, if anything names it. */
  readonly startDigest?: string
  readonly config: Buffer
  readonly parsed: ParsedConfig
  readonly layers: readonly ContentLayer[]
}

/**
 * @param start an index or a manifest
 * @throws IMAGE_PLATFORM, IMAGE_INVALID, DIGEST_MISMATCH, and what the provider throws
 */
export async function resolveContent(
  provider: ContentProvider,
  start: FetchedManifest,
  wanted: Platform,
  signal?: AbortSignal,
): Promise<ImageContent> {
  let fetched = start
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth++) {
    const manifest = parseManifest(fetched.bytes, fetched.mediaType)
    if (manifest.kind === 'image') {
      const image = await readImage(provider, fetched, manifest, wanted, signal)
      return { ...image, startDigest: start.digest }
    }
    const chosen = chooseManifest(manifest.manifests, wanted)
    fetched = { ...(await provider.manifest(chosen.digest, signal)), mediaType: chosen.mediaType }
  }
  throw new MicrovmError('IMAGE_INVALID', 'its indexes name each other more than a few times')
}

/**
 * The best of an index's manifests; one without a platform may turn out to be of any.
 * @throws IMAGE_PLATFORM
 */
export function chooseManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const ranked = manifests
    .map((descriptor) => ({ descriptor, rank: rankOf(descriptor, wanted) }))
    .filter((entry): entry is { descriptor: Descriptor; rank: number } => entry.rank !== undefined)
    .toSorted((a, b) => a.rank - b.rank)
  if (ranked[0]) return ranked[0].descriptor
  throw wrongPlatform(
    wanted,
    manifests.flatMap(({ platform }) => (platform ? [platform] : [])),
  )
}

const UNKNOWN_PLATFORM_RANK = 10

function rankOf({ platform }: Descriptor, wanted: Platform): number | undefined {
  return platform ? platformRank(wanted, platform) : UNKNOWN_PLATFORM_RANK
}

async function readImage(
  provider: ContentProvider,
  fetched: FetchedManifest,
  manifest: { readonly config: Descriptor; readonly layers: readonly Descriptor[] },
  wanted: Platform,
  signal?: AbortSignal,
): Promise<ImageContent> {
  const config = await provider.smallBlob(manifest.config, MAX_CONFIG_BYTES, signal)
  if (config.length !== manifest.config.size)
    throw new MicrovmError(
      'IMAGE_INVALID',
      `its config has ${config.length} bytes, not ${manifest.config.size} as its manifest says`,
    )
  const parsed = checkConfig(config, manifest.layers.length, wanted)
  const layers = await Promise.all(
    manifest.layers.map(async (layer, index) => ({
      diffId: parsed.diffIds[index]!,
      digest: layer.digest,
      blobSize: layer.size,
      source: await provider.source(layer),
    })),
  )
  return { manifest: fetched.bytes, digest: fetched.digest, config, parsed, layers }
}

/** @throws IMAGE_PLATFORM; IMAGE_INVALID if it does not tell of exactly these layers */
export function checkConfig(config: Buffer, layers: number, wanted: Platform): ParsedConfig {
  const parsed = parseImageConfig(config)
  if (platformRank(wanted, parsed.platform) === undefined)
    throw wrongPlatform(wanted, [parsed.platform])
  if (parsed.diffIds.length !== layers)
    throw new MicrovmError(
      'IMAGE_INVALID',
      `its config tells of ${parsed.diffIds.length} layers, its manifest of ${layers} (${platformName(parsed.platform)})`,
    )
  return parsed
}
