// SPDX-License-Identifier: Apache-2.0
// What the store knows about images apart from their layers: references (which name means which
// digest, when it was pulled and used) and the manifests and configs themselves, byte for byte under
// their digests, so that each can be checked whenever it is read. A file that cannot be read or is
// not what its name says is renamed to NAME.corrupt, said so in the log, and counts as absent.
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { digestSchema } from '../../contract/images'
import { writeFileAtomic } from '../lib/atomic-file'
import type { DataPaths } from '../lib/data-paths'
import { ignoreMissing } from '../lib/ignore-missing'
import type { Logger } from '../lib/logger'
import { digestOf, hexOf } from './digest'
import { parseImageConfig, type ParsedConfig } from './image-config'
import { parseManifest, type Descriptor } from './manifest'

const REF_VERSION = 1
const refSchema = z.object({
  version: z.literal(REF_VERSION),
  /** Canonical. */
  reference: z.string(),
  digest: digestSchema,
  /** Milliseconds since the epoch. */
  pulledAt: z.number(),
  lastUsedAt: z.number().optional(),
})
export type RefRecord = Omit<z.infer<typeof refSchema>, 'version'>

export interface ImageRecord {
  /** Of the manifest. */
  readonly digest: string
  readonly configDigest: string
  readonly layers: readonly Descriptor[]
  readonly parsed: ParsedConfig
}

export class ImageRecords {
  readonly #refs: string
  readonly #manifests: string
  readonly #logger: Logger

  constructor(paths: DataPaths['images'], logger: Logger) {
    this.#refs = paths.refs
    this.#manifests = paths.manifests
    this.#logger = logger
  }

  async readRef(reference: string): Promise<RefRecord | undefined> {
    const record = await this.#readRefFile(refFileName(reference))
    return record?.reference === reference ? record : undefined
  }

  async listRefs(): Promise<RefRecord[]> {
    const names = (await list(this.#refs)).filter((name) => name.endsWith('.json'))
    const records = await Promise.all(names.map((name) => this.#readRefFile(name)))
    return records.filter((record) => record !== undefined)
  }

  async writeRef(record: RefRecord): Promise<void> {
    await mkdir(this.#refs, { recursive: true, mode: 0o700 })
    const path = join(this.#refs, refFileName(record.reference))
    await writeFileAtomic(path, `${JSON.stringify({ version: REF_VERSION, ...record }, null, 2)}\n`)
  }

  async removeRef(reference: string): Promise<void> {
    await rm(join(this.#refs, refFileName(reference)), { force: true })
  }

  /** The image with this manifest, if both manifest and config are here and sound. */
  async readImage(digest: string): Promise<ImageRecord | undefined> {
    return this.#orSetAside(this.#manifestPath(digest), async (path) => {
      const manifest = parseManifest(await readChecked(path, digest))
      if (manifest.kind !== 'image') throw new Error('it is an index')
      const { config, layers } = manifest
      const parsed = await this.#orSetAside(this.#configPath(config.digest), async (configPath) =>
        parseImageConfig(await readChecked(configPath, config.digest)),
      )
      if (parsed === undefined) return undefined
      if (parsed.diffIds.length !== layers.length) throw new Error('it does not fit its config')
      return { digest, configDigest: config.digest, layers, parsed }
    })
  }

  /** An image's config, byte for byte. @throws STATE_CORRUPT */
  async readConfig({ configDigest }: ImageRecord): Promise<Buffer> {
    return readChecked(this.#configPath(configDigest), configDigest)
  }

  /** Of every manifest there is. */
  async listDigests(): Promise<string[]> {
    const hexes = (await list(this.#manifests)).map(
      (name) => /^([0-9a-f]{64})\.manifest\.json$/.exec(name)?.[1],
    )
    return hexes.filter((hex) => hex !== undefined).map((hex) => `sha256:${hex}`)
  }

  async writeImage(digest: string, manifest: Buffer, config: Buffer): Promise<void> {
    await mkdir(this.#manifests, { recursive: true, mode: 0o700 })
    // The manifest last: it makes the image be here.
    await writeFileAtomic(this.#configPath(digestOf(config)), config)
    await writeFileAtomic(this.#manifestPath(digest), manifest)
  }

  /** @param keepsConfig whether another image has the same config */
  async removeImage(image: ImageRecord, keepsConfig: boolean): Promise<void> {
    await rm(this.#manifestPath(image.digest), { force: true })
    if (!keepsConfig) await rm(this.#configPath(image.configDigest), { force: true })
  }

  async #readRefFile(name: string): Promise<RefRecord | undefined> {
    return this.#orSetAside(join(this.#refs, name), async (path) => {
      const { version: _version, ...record } = refSchema.parse(
        JSON.parse(await readFile(path, 'utf8')),
      )
      return record
    })
  }

  async #orSetAside<T>(
    path: string,
    read: (path: string) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    try {
      return await read(path)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return undefined
      // Trouble with the disk or with permissions says nothing about the content.
      if (/^E[A-Z]+$/.test(code)) throw error
      this.#logger.warn('a file of the image store is damaged and has been set aside', {
        path,
        error,
      })
      // Another process may have set it aside at the same time.
      await rename(path, `${path}.corrupt`).catch(ignoreMissing)
      return undefined
    }
  }

  #manifestPath(digest: string): string {
    return join(this.#manifests, `${hexOf(digest)}.manifest.json`)
  }

  #configPath(digest: string): string {
    return join(this.#manifests, `${hexOf(digest)}.config.json`)
  }
}

async function readChecked(path: string, digest: string): Promise<Buffer> {
  const bytes = await readFile(path)
  if (digestOf(bytes) !== digest)
    throw new MicrovmError('STATE_CORRUPT', `its digest is ${digestOf(bytes)}`)
  return bytes
}

/**
 * A readable start and a hash: safe on file systems that know no difference between cases, and never
 * too long.
 */
function refFileName(reference: string): string {
  const readable = reference
    .replace(/^docker\.io\/(?:library\/)?/, '')
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .toLowerCase()
    .slice(0, 60)
  const hash = createHash('sha256').update(reference).digest('hex').slice(0, 16)
  return `${readable}-${hash}.json`
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
