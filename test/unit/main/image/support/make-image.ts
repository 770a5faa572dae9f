// SPDX-License-Identifier: Apache-2.0
// Small images with real layers: as blobs, in an OCI layout, in a `docker save` archive.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
} from '../../../../../src/main/image/media-types'
import { layerOf, sha256, tarOf, type Member } from './tar-bytes'

export interface MadeImage {
  /** By digest: layers, config, manifest. */
  readonly blobs: ReadonlyMap<string, Buffer>
  readonly manifest: { mediaType: string; digest: string; size: number; platform: object }
  readonly config: Buffer
  readonly tars: readonly Buffer[]
  readonly diffIds: readonly string[]
}

export interface MakeOptions {
  readonly architecture?: string
  readonly compress?: boolean
  /** Put into the config in place of what is true. */
  readonly diffIds?: readonly string[]
  readonly cmd?: readonly string[]
}

export function makeImage(
  layers: readonly (readonly Member[])[],
  options: MakeOptions = {},
): MadeImage {
  return imageOfTars(
    layers.map((members) => tarOf(...members)),
    options,
  )
}

/** Of layers that are whatever bytes they are. */
export function imageOfTars(
  tars: readonly Buffer[],
  { architecture = 'amd64', compress = true, diffIds, cmd = [] }: MakeOptions = {},
): MadeImage {
  const blobs = new Map<string, Buffer>()
  const add = (bytes: Buffer, mediaType: string) => {
    blobs.set(sha256(bytes), bytes)
    return { mediaType, digest: sha256(bytes), size: bytes.length }
  }
  const made = tars.map((tar) => layerOf(tar, compress))
  const trueIds = made.map(({ diffId }) => diffId)
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture,
      created: '2024-01-01T00:00:00Z',
      config: { Cmd: cmd },
      rootfs: { type: 'layers', diff_ids: diffIds ?? trueIds },
      history: made.map((_, index) => ({ created_by: `step ${index + 1}` })),
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: add(config, OCI_CONFIG),
      layers: made.map(({ blob }) => add(blob, compress ? `${OCI_LAYER}+gzip` : OCI_LAYER)),
    }),
  )
  const platform = { os: 'linux', architecture }
  return {
    blobs,
    manifest: { ...add(manifest, OCI_MANIFEST), platform },
    config,
    tars,
    diffIds: trueIds,
  }
}

/** @param images with the names index.json gives them */
export function layoutFiles(
  images: readonly { image: MadeImage; name?: string }[],
): Map<string, Buffer> {
  const manifests = images.map(({ image, name }) => ({
    ...image.manifest,
    ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
  }))
  const files = new Map<string, Buffer>([
    ['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
    [
      'index.json',
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })),
    ],
  ])
  for (const { image } of images)
    for (const [digest, bytes] of image.blobs) files.set(`blobs/sha256/${digest.slice(7)}`, bytes)
  return files
}

export function writeLayout(
  folder: string,
  ...images: readonly { image: MadeImage; name?: string }[]
): string {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  for (const [name, bytes] of layoutFiles(images)) writeFileSync(join(folder, name), bytes)
  return folder
}

export const tarOfFiles = (
  files: ReadonlyMap<string, Buffer>,
  extra: readonly Member[] = [],
): Buffer => tarOf(...[...files].map(([name, data]) => ({ name, data })), ...extra)
