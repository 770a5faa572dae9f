// SPDX-License-Identifier: Apache-2.0
// Manifests and indexes of images (image-spec, manifest.md and image-index.md; Docker's manifest
// version 2, schema 2), read strictly: both kinds at once, or neither, is refused.
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { digestSchema } from '../../contract/images'
import { describeArtifact } from './artifact-type'
import { digestOf, quote } from './digest'
import { MAX_LAYERS, MAX_MANIFEST_BYTES } from './limits'
import {
  DOCKER_CONFIG,
  DOCKER_LIST,
  manifestMediaTypes,
  OCI_CONFIG,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
} from './media-types'

const descriptorSchema = z.object({
  mediaType: z.string().max(255),
  digest: digestSchema,
  size: z.number().int().nonnegative(),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z
    .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
    .nullish(),
})
export type Descriptor = z.infer<typeof descriptorSchema>

const schema = z.object({
  schemaVersion: z.number(),
  mediaType: z.string().optional(),
  /** What something that is no image says it is (image-spec 1.1, manifest.md). */
  artifactType: z.string().max(255).nullish(),
  manifests: z.array(descriptorSchema).max(10_000).nullish(),
  config: descriptorSchema.nullish(),
  layers: z.array(descriptorSchema).max(MAX_LAYERS).nullish(),
})

export type Manifest =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | {
      readonly kind: 'image'
      readonly config: Descriptor
      readonly layers: readonly Descriptor[]
    }

/**
 * @param mediaType what the server or the descriptor calls it; what it says of itself must agree
 * @throws IMAGE_INVALID
 */
export function parseManifest(bytes: Buffer, mediaType?: string): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid(`it has ${bytes.length} bytes`)
  const json = parseJson(bytes)
  const parsed = schema.safeParse(json)
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).split('\n').join(' '))
  const { schemaVersion, manifests, config, layers, artifactType, mediaType: own } = parsed.data
  if (schemaVersion !== 2)
    throw new MicrovmError('IMAGE_INVALID', `its manifest has version ${schemaVersion}`, {
      hint: 'Manifests of version 1 have been obsolete since 2017. Push the image again with a current tool.',
    })
  const isIndex = manifests != null
  if (isIndex === (config != null && layers != null))
    throw invalid('it is neither index nor image, or both')
  for (const type of [own, mediaType]) {
    const known = type !== undefined && manifestMediaTypes.includes(type)
    if (known && isIndex !== (type === OCI_INDEX || type === DOCKER_LIST))
      throw invalid(`it is not the ${quote(type)} it is said to be`)
  }
  if (manifests != null) return { kind: 'index', manifests }
  checkKinds(config!, layers!, artifactType ?? undefined)
  return { kind: 'image', config: config!, layers: layers! }
}

/** Registries hold other things than images, too: charts, signatures, models. */
function checkKinds(
  config: Descriptor,
  layers: readonly Descriptor[],
  artifactType: string | undefined,
): void {
  const isImage = config.mediaType === OCI_CONFIG || config.mediaType === DOCKER_CONFIG
  const strange = layers.find(({ mediaType }) => !/\.tar(?:[.+](?:gzip|zstd))?$/.test(mediaType))
  if (isImage && !strange) return
  // Some that have an image's config tell by their layers only, and some with an empty one by neither.
  const told = isImage ? strange!.mediaType : config.mediaType
  const type = artifactType ?? (told === OCI_EMPTY ? strange?.mediaType : undefined) ?? told
  throw new MicrovmError(
    'IMAGE_INVALID',
    `it is no container image but ${describeArtifact(type)}`,
    {
      hint: 'Only container images can be run. Check the name and the tag.',
    },
  )
}

/** The manifest of an image whose layers are there as plain tars. */
export function plainManifest(
  config: Buffer,
  layers: readonly { readonly diffId: string; readonly blobSize: number }[],
): Buffer {
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: layers.map(({ diffId, blobSize }) => ({
      mediaType: OCI_LAYER,
      digest: diffId,
      size: blobSize,
    })),
  }
  return Buffer.from(JSON.stringify(manifest))
}

/** @throws IMAGE_INVALID */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw invalid(`it is no JSON (${(error as Error).message})`)
  }
}

const invalid = (why: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `the image's description is broken: ${why}`)
