// SPDX-License-Identifier: Apache-2.0
// The starter image with another configuration, as an OCI layout: for entrypoints that fail,
// other architectures, and whatever else only the configuration says.
import { createHash } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const starter = resolve(
  import.meta.dirname,
  `../../runtime/${process.platform}-${process.arch}/starter`,
)

interface Descriptor {
  digest: string
  size: number
}

/** @param change what to replace in the image's configuration; `config` is merged one level deep */
export async function deriveImage(
  layout: string,
  tag: string,
  change: { architecture?: string; config?: Record<string, unknown> },
): Promise<string> {
  await cp(starter, layout, { recursive: true })
  const blob = (digest: string) => join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length))
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
  const put = async (value: object): Promise<Descriptor> => {
    const bytes = JSON.stringify(value)
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    await writeFile(blob(digest), bytes)
    return { digest, size: Buffer.byteLength(bytes) }
  }
  const index = await read(join(layout, 'index.json'))
  const old = index.manifests[0]
  const manifest = await read(blob(old.digest))
  const config = await read(blob(manifest.config.digest))
  const changed = { ...config, ...change, config: { ...config.config, ...change.config } }
  const newConfig = { ...manifest.config, ...(await put(changed)) }
  const newManifest = await put({ ...manifest, config: newConfig })
  const annotations = { 'org.opencontainers.image.ref.name': tag }
  const { mediaType } = old
  const platform = { os: 'linux', architecture: changed.architecture }
  index.manifests = [{ mediaType, ...newManifest, platform, annotations }]
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  return layout
}
