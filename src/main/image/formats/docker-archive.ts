// SPDX-License-Identifier: Apache-2.0
// An image in an archive as `docker save` made them before it wrote OCI layouts, and as other tools
// still do: manifest.json names a config and tars (moby, image spec v1.2, "Combined Image JSON").
// Such an image has no manifest of its own, so it gets one, with its layers uncompressed.
import { z } from 'zod'
import { MicrovmError } from '../../../contract/errors'
import { digestOf, quote } from '../digest'
import { checkConfig } from '../image-content'
import { readMember, type ImageFolder } from './image-folder'
import { MAX_CONFIG_BYTES, MAX_LAYERS, MAX_MANIFEST_BYTES } from '../limits'
import { parseJson, plainManifest } from '../manifest'
import { chooseName, type FoundImage, type ImportChoice } from './oci-layout'

const schema = z
  .array(
    z.object({
      Config: z.string().min(1),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string().min(1)).max(MAX_LAYERS),
    }),
  )
  .max(1000)

export async function isDockerArchive(folder: ImageFolder): Promise<boolean> {
  return (await folder.locate('manifest.json')) !== undefined
}

/** @throws as `resolveFromLayout` */
export async function resolveFromDockerArchive(
  folder: ImageFolder,
  { platform, reference }: ImportChoice,
): Promise<FoundImage> {
  const bytes = await readMember(folder, 'manifest.json', MAX_MANIFEST_BYTES)
  const parsed = schema.safeParse(parseJson(bytes ?? Buffer.alloc(0)))
  if (!parsed.success) throw new MicrovmError('IMAGE_INVALID', 'its manifest.json is broken')
  const named = new Map(
    parsed.data.flatMap((image) =>
      (image.RepoTags?.length ? image.RepoTags : ['']).map((tag) => [tag, image]),
    ),
  )
  // Several names of one image leave nothing to choose.
  const names = parsed.data.length === 1 ? [...named.keys()].slice(0, 1) : [...named.keys()]
  const name = chooseName(names, reference)
  const image = named.get(name)!
  const config = await readMember(folder, image.Config, MAX_CONFIG_BYTES)
  if (config === undefined) throw missing(image.Config)
  const parsedConfig = checkConfig(config, image.Layers.length, platform)
  const layers = await Promise.all(
    image.Layers.map(async (layerName, index) => {
      const range = await folder.locate(layerName)
      if (range === undefined) throw missing(layerName)
      const diffId = parsedConfig.diffIds[index]!
      return { diffId, blobSize: range.size, source: { kind: 'file' as const, ...range } }
    }),
  )
  const manifest = plainManifest(config, layers)
  const content = { manifest, digest: digestOf(manifest), config, parsed: parsedConfig, layers }
  return { content, ...(name === '' ? {} : { name }) }
}

const missing = (name: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `${quote(name)} is missing`, {
    hint: 'The archive is not complete. Save the image again.',
  })
