// SPDX-License-Identifier: Apache-2.0
// An image in an OCI layout (image-spec, image-layout.md), as content that can be stored. Blobs are
// found by their digests only.
import { MicrovmError } from '../../../contract/errors'
import { checkDigest, digestOf, hexOf, quote } from '../digest'
import {
  chooseManifest,
  resolveContent,
  type ContentProvider,
  type ImageContent,
} from '../image-content'
import { readMember, type ImageFolder } from './image-folder'
import { MAX_MANIFEST_BYTES } from '../limits'
import { parseManifest, type Descriptor } from '../manifest'
import type { Platform } from '../platform'
import { canonicalReference, parseReference } from '../reference'

export interface FoundImage {
  readonly content: ImageContent
  /** What the archive calls it: a full name, or only a tag. */
  readonly name?: string
}

export interface ImportChoice {
  readonly platform: Platform
  /** Which one, if there are several: a full name, or the tag alone. */
  readonly reference?: string
  readonly signal?: AbortSignal
}

/** By containerd and Docker: the full name. */
export const CONTAINERD_NAME = 'io.containerd.image.name'
export const REF_NAME = 'org.opencontainers.image.ref.name'

export async function isOciLayout(folder: ImageFolder): Promise<boolean> {
  return (
    (await folder.locate('index.json')) !== undefined &&
    (await folder.locate('oci-layout')) !== undefined
  )
}

/** @throws INVALID_ARGUMENT if it holds several images and none is chosen, and as `resolveContent` */
export async function resolveFromLayout(
  folder: ImageFolder,
  choice: ImportChoice,
): Promise<FoundImage> {
  const bytes = await readMember(folder, 'index.json', MAX_MANIFEST_BYTES)
  const index = parseManifest(bytes ?? Buffer.alloc(0))
  if (index.kind !== 'index') throw new MicrovmError('IMAGE_INVALID', 'index.json is no index')
  const named = new Map<string, Descriptor[]>()
  for (const descriptor of index.manifests) {
    const name = nameOf(descriptor)
    named.set(name, [...(named.get(name) ?? []), descriptor])
  }
  const name = chooseName([...named.keys()], choice.reference)
  const provider = layoutProvider(folder)
  const chosen = chooseManifest(named.get(name)!, choice.platform)
  const start = await provider.manifest(chosen.digest)
  const content = await resolveContent(
    provider,
    { ...start, mediaType: chosen.mediaType },
    choice.platform,
    choice.signal,
  )
  return { content, ...(name === '' ? {} : { name }) }
}

/**
 * Which of several images is meant.
 * @param names what they are called; '' for one without a name
 * @throws INVALID_ARGUMENT, with the names to choose from
 */
export function chooseName(names: readonly string[], wanted: string | undefined): string {
  if (names.length === 0) throw new MicrovmError('IMAGE_INVALID', 'it holds no image')
  if (names.length === 1) return names[0]!
  const match = names.filter((name) => wanted !== undefined && means(wanted, name))
  if (match.length === 1) return match[0]!
  const list = names.slice(0, 20).map((name) => (name === '' ? 'one without a name' : quote(name)))
  throw new MicrovmError(
    'INVALID_ARGUMENT',
    `it holds ${names.length} images: ${list.join(', ')}`,
    {
      hint: 'Say which one by giving its name as the reference.',
    },
  )
}

function means(wanted: string, name: string): boolean {
  if (wanted === name) return true
  try {
    return canonicalReference(parseReference(wanted)) === canonicalReference(parseReference(name))
  } catch {
    return false
  }
}

const nameOf = ({ annotations }: Descriptor): string =>
  annotations?.[CONTAINERD_NAME] ?? annotations?.[REF_NAME] ?? ''

function layoutProvider(folder: ImageFolder): ContentProvider {
  const blobName = (digest: string): string => `blobs/sha256/${hexOf(digest)}`
  const read = async (digest: string, max: number): Promise<Buffer> => {
    const bytes = await readMember(folder, blobName(digest), max)
    if (bytes === undefined) throw missing(digest)
    checkDigest('a blob', digest, digestOf(bytes))
    return bytes
  }
  return {
    manifest: async (digest) => ({ bytes: await read(digest, MAX_MANIFEST_BYTES), digest }),
    smallBlob: ({ digest }, max) => read(digest, max),
    async source({ digest, size }) {
      const range = await folder.locate(blobName(digest))
      if (range === undefined) throw missing(digest)
      if (range.size !== size)
        throw new MicrovmError(
          'IMAGE_INVALID',
          `blob ${digest} has ${range.size} bytes in place of ${size}`,
        )
      return { kind: 'file', ...range }
    },
  }
}

const missing = (digest: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `blob ${digest} is missing`, {
    hint: 'The layout is not complete. Export the image again.',
  })
