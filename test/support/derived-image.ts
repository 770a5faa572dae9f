// SPDX-License-Identifier: Apache-2.0
// The starter image with another configuration or more layers, as an OCI layout: for entrypoints that
// fail, other architectures, and images to look into.
import { createHash } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

const starter = resolve(
  import.meta.dirname,
  `../../runtime/${process.platform}-${process.arch}/starter`,
)

interface Descriptor {
  digest: string
  size: number
}

export interface AddedLayer {
  /** An uncompressed tar. */
  readonly tar: Buffer
  readonly createdBy: string
}

/**
 * @param change what to replace in the image's configuration; `config` is merged one level deep
 * @param layers to be put on top of its own
 */
export async function deriveImage(
  layout: string,
  tag: string,
  change: { architecture?: string; config?: Record<string, unknown> },
  layers: readonly AddedLayer[] = [],
): Promise<string> {
  await cp(starter, layout, { recursive: true })
  const blob = (digest: string) => join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length))
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
  const putBytes = async (bytes: Buffer): Promise<Descriptor> => {
    await writeFile(blob(sha256(bytes)), bytes)
    return { digest: sha256(bytes), size: bytes.length }
  }
  const put = (value: object): Promise<Descriptor> => putBytes(Buffer.from(JSON.stringify(value)))
  const index = await read(join(layout, 'index.json'))
  const old = index.manifests[0]
  const manifest = await read(blob(old.digest))
  const config = await read(blob(manifest.config.digest))
  const changed = { ...config, ...change, config: { ...config.config, ...change.config } }
  const ownSteps = config.history ?? [{ created_by: 'starter' }]
  changed.history = [...ownSteps, ...layers.map(({ createdBy }) => ({ created_by: createdBy }))]
  const diffIds = layers.map(({ tar }) => sha256(tar))
  changed.rootfs = { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, ...diffIds] }
  const newConfig = { ...manifest.config, ...(await put(changed)) }
  const { mediaType: layerType } = manifest.layers[0]
  const added = await Promise.all(
    layers.map(async ({ tar }) => ({ mediaType: layerType, ...(await putBytes(gzipSync(tar))) })),
  )
  const allLayers = [...manifest.layers, ...added]
  const newManifest = await put({ ...manifest, config: newConfig, layers: allLayers })
  const annotations = { 'org.opencontainers.image.ref.name': tag }
  const { mediaType } = old
  const platform = { os: 'linux', architecture: changed.architecture }
  index.manifests = [{ mediaType, ...newManifest, platform, annotations }]
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  return layout
}

const sha256 = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`
