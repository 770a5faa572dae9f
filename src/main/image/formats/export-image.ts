// SPDX-License-Identifier: Apache-2.0
// An image as one tar stream for other tools:
// - `oci`: an OCI layout (image-spec, image-layout.md).
// - `docker`: the same with the manifest.json that `docker load` reads, as Docker writes it since 25.
// - `rootfs`: the files of the image as they are in a machine, as a plain tar.
// Layers come out uncompressed and byte for byte as they went in (layer-tar.ts), under the config they
// came with: the image keeps its ID, and whoever has its layers already recognises them. Only the
// manifest is new, since it names blobs, which are not compressed here. The same image always gives
// the same bytes.
import { open } from 'node:fs/promises'
import type { ExportFormat } from '../../../contract/images'
import { digestOf, hexOf } from '../digest'
import type { FsNode, FsTree } from '../tree/fs-tree'
import { layerTar, layerTarSize } from './layer-tar'
import { plainManifest } from '../manifest'
import { OCI_INDEX, OCI_MANIFEST } from '../media-types'
import { CONTAINERD_NAME, REF_NAME } from './oci-layout'
import { parseReference } from '../reference'
import { plainFile, tarEnd, tarHeader, tarPadding } from '../tar/tar-writer'

export interface ImageToExport {
  readonly config: Buffer
  /** Bottom to top. */
  readonly diffIds: readonly string[]
  /** Canonical; none for an image without a name. */
  readonly names: readonly string[]
  tree(): Promise<FsTree>
  /** Told once, before the first piece: about how many bytes will come. */
  readonly onSize?: ((bytes: number) => void) | undefined
}

/**
 * @param folder the store's folder of layers
 * @throws as `layerTar`
 */
export async function* exportImage(
  folder: string,
  image: ImageToExport,
  format: ExportFormat,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  if (format === 'rootfs') yield* rootfsTar(await image.tree(), image, signal)
  else yield* archive(folder, image, format, signal)
  yield tarEnd()
}

async function* archive(
  folder: string,
  { config, diffIds, names, onSize }: ImageToExport,
  format: 'oci' | 'docker',
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const sizes = await Promise.all(diffIds.map((diffId) => layerTarSize(folder, diffId)))
  const sizeOf = new Map(diffIds.map((diffId, index) => [diffId, sizes[index]!]))
  onSize?.([...sizeOf.values()].reduce((sum, size) => sum + size, 0))
  const manifest = plainManifest(
    config,
    diffIds.map((diffId, index) => ({ diffId, blobSize: sizes[index]! })),
  )
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length }
  const manifests =
    names.length === 0 ? [descriptor] : names.map((name) => ({ ...descriptor, ...annotated(name) }))
  yield* file('oci-layout', json({ imageLayoutVersion: '1.0.0' }))
  yield* file('index.json', json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
  if (format === 'docker') {
    const RepoTags = names.map(dockerName)
    const Layers = diffIds.map(blobName)
    yield* file('manifest.json', json([{ Config: blobName(digestOf(config)), RepoTags, Layers }]))
  }
  yield* file(blobName(digestOf(manifest)), manifest)
  yield* file(blobName(digestOf(config)), config)
  for (const [index, diffId] of diffIds.entries()) {
    if (diffIds.indexOf(diffId) !== index) continue
    const size = sizes[index]!
    yield tarHeader(plainFile(blobName(diffId), size))
    yield* layerTar(folder, diffId, signal)
    yield tarPadding(size)
  }
}

/** As Docker and containerd name images in a layout. */
function annotated(name: string): { annotations: Record<string, string> } {
  const { tag } = parseReference(name)
  return {
    annotations: { [CONTAINERD_NAME]: name, ...(tag === undefined ? {} : { [REF_NAME]: tag }) },
  }
}

/** "debian:12" for docker.io/library/debian:12. */
function dockerName(name: string): string {
  return name.replace(/^docker\.io\/(?:library\/)?/, '')
}

const blobName = (digest: string): string => `blobs/sha256/${hexOf(digest)}`
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

function* file(path: string, bytes: Buffer): Generator<Buffer, void> {
  yield tarHeader(plainFile(path, bytes.length))
  yield bytes
  yield tarPadding(bytes.length)
}

async function* rootfsTar(
  tree: FsTree,
  { onSize }: ImageToExport,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  if (onSize) onSize(sizeOfFiles(tree))
  /** Where a node with several names has been put. */
  const placed = new Map<FsNode, string>()
  yield tarHeader({ ...tree.root, path: '', size: 0 })
  for (const [path, node] of walk(tree.root)) {
    signal.throwIfAborted()
    const first = placed.get(node)
    if (first !== undefined) {
      yield tarHeader({ ...node, path, type: 'hardlink', target: first, size: 0 })
      continue
    }
    placed.set(node, path)
    yield tarHeader({ ...node, path })
    if (node.size > 0) yield* content(tree, node)
  }
}

/** Bytes of all files, each once. */
function sizeOfFiles(tree: FsTree): number {
  const nodes = new Set<FsNode>()
  for (const [, node] of walk(tree.root)) nodes.add(node)
  let bytes = 0
  for (const { size } of nodes) bytes += size
  return bytes
}

/** Every name below a directory, parents first, by their bytes. */
function* walk(directory: FsNode, prefix = ''): Generator<[string, FsNode], void> {
  const names = [...directory.children.keys()].toSorted((a, b) => (a < b ? -1 : 1))
  for (const name of names) {
    const node = directory.children.get(name)!
    yield [prefix + name, node]
    if (node.type === 'directory') yield* walk(node, `${prefix}${name}/`)
  }
}

async function* content({ layers }: FsTree, node: FsNode): AsyncGenerator<Buffer, void> {
  const data = await open(layers[node.layer]!.dataPath)
  try {
    const end = node.offset + node.size - 1
    const stream = data.createReadStream({
      start: node.offset,
      end,
      autoClose: false,
      highWaterMark: 1024 * 1024,
    })
    yield* stream as AsyncIterable<Buffer>
  } finally {
    await data.close()
  }
  yield tarPadding(node.size)
}
