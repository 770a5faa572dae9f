// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseManifest } from '../../../../src/main/image/manifest'
import {
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
} from '../../../../src/main/image/media-types'

const descriptor = (mediaType: string) => ({
  mediaType,
  digest: `sha256:${'a'.repeat(64)}`,
  size: 10,
})
const image = {
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: descriptor(OCI_CONFIG),
  layers: [descriptor(`${OCI_LAYER}+gzip`)],
}
const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor(OCI_MANIFEST)] }
const parse = (value: unknown, type?: string) =>
  parseManifest(Buffer.from(JSON.stringify(value)), type)

describe('a manifest', () => {
  it('is an image or an index', () => {
    expect(parse(image, OCI_MANIFEST)).toMatchObject({ kind: 'image', layers: [{ size: 10 }] })
    expect(parse(index, OCI_INDEX)).toMatchObject({ kind: 'index', manifests: [{ size: 10 }] })
    expect(parse({ ...image, mediaType: undefined }, 'text/plain').kind).toBe('image')
    expect(parse({ ...image, layers: [] }).kind).toBe('image')
  })

  it.each([
    'application/vnd.oci.image.layer.v1.tar',
    'application/vnd.oci.image.layer.v1.tar+zstd',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ])('may have layers of kind %s', (kind) => {
    expect(parse({ ...image, layers: [descriptor(kind)] }).kind).toBe('image')
  })

  it.each<[string, unknown, string | undefined]>([
    ['both kinds at once', { ...image, ...index }, undefined],
    ['neither kind', { schemaVersion: 2 }, undefined],
    ['an image served as an index', image, OCI_INDEX],
    ['an index that says it is an image', { ...index, mediaType: OCI_MANIFEST }, undefined],
    ['the obsolete version', { schemaVersion: 1, name: 'a', tag: 'b', fsLayers: [] }, undefined],
    [
      'a digest that is a path',
      { ...image, config: { ...descriptor(OCI_CONFIG), digest: 'sha256:../../etc/passwd' } },
      undefined,
    ],
    [
      'a digest of another algorithm',
      { ...image, config: { ...descriptor(OCI_CONFIG), digest: `sha512:${'a'.repeat(128)}` } },
      undefined,
    ],
    ['a negative size', { ...image, layers: [{ ...descriptor(OCI_LAYER), size: -1 }] }, undefined],
    [
      'a chart',
      { ...image, config: descriptor('application/vnd.cncf.helm.config.v1+json') },
      undefined,
    ],
    [
      'an encrypted layer',
      { ...image, layers: [descriptor(`${OCI_LAYER}+gzip+encrypted`)] },
      undefined,
    ],
    [
      'over a thousand layers',
      { ...image, layers: Array.from({ length: 1001 }, () => descriptor(OCI_LAYER)) },
      undefined,
    ],
    ['no object', [], undefined],
  ])('is refused: %s', (_what, value, type) => {
    expect(() => parse(value, type)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }))
  })

  const empty = descriptor('application/vnd.oci.empty.v1+json')
  const helm = 'application/vnd.cncf.helm.config.v1+json'
  const cosign = 'application/vnd.dev.cosign.simplesigning.v1+json'
  it.each<[string, object, string]>([
    ['a chart, by its config', { config: descriptor(helm) }, `a Helm chart ("${helm}")`],
    ['a signature, by its layer', { layers: [descriptor(cosign)] }, `a signature ("${cosign}")`],
    [
      'an SBOM, by what it says of itself',
      { artifactType: 'application/spdx+json', config: empty, layers: [empty] },
      'a list of an image’s parts (SBOM) ("application/spdx+json")',
    ],
    [
      'a module, by the layer of an empty config',
      { config: empty, layers: [descriptor('application/wasm')] },
      'a WebAssembly module ("application/wasm")',
    ],
    [
      'what nobody knows',
      { config: descriptor('application/vnd.acme.thing') },
      'something of the kind "application/vnd.acme.thing"',
    ],
  ])('of no image is refused by the name of what it is: %s', (_, change, name) => {
    expect(() => parse({ ...image, ...change })).toThrow(`it is no container image but ${name}`)
  })

  it('is refused if it is no JSON, or not UTF-8', () => {
    for (const bytes of [Buffer.from('<html>'), Buffer.from([0x22, 0xff, 0x22]), Buffer.alloc(0)])
      expect(() => parseManifest(bytes)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }))
  })
})
