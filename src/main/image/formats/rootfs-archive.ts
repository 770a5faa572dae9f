// SPDX-License-Identifier: Apache-2.0
// A plain tar of a system's files as an image of one layer, which has a config as empty as can be.
import { digestOfBlob } from '../layers/blob-source'
import { digestOf } from '../digest'
import { parseImageConfig } from '../image-config'
import type { FileRange } from './image-folder'
import { plainManifest } from '../manifest'
import type { FoundImage, ImportChoice } from './oci-layout'

/** @throws errors of the file, AbortError; what is wrong in the tar shows when it is taken in */
export async function resolveFromRootfs(
  range: FileRange,
  { platform, signal = new AbortController().signal }: ImportChoice,
): Promise<FoundImage> {
  const source = { kind: 'file', ...range } as const
  const diffId = await digestOfBlob(source, signal)
  const layers = [{ diffId, blobSize: range.size, source }]
  const config = Buffer.from(
    JSON.stringify({
      os: platform.os,
      architecture: platform.architecture,
      config: {},
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: 'import of a tar archive' }],
    }),
  )
  const manifest = plainManifest(config, layers)
  const parsed = parseImageConfig(config)
  return { content: { manifest, digest: digestOf(manifest), config, parsed, layers } }
}
