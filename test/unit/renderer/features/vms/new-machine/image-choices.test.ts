// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ImageView } from '../../../../../../src/contract/images'
import {
  findImage,
  imageChoices,
  proposedImage,
} from '../../../../../../src/renderer/features/vms/new-machine/image-choices'

function image(reference: string, lastUsedAt?: number): ImageView {
  return {
    reference,
    digest: `sha256:${'0'.repeat(64)}`,
    platform: 'linux/amd64',
    layers: [],
    config: {
      entrypoint: [],
      cmd: [],
      env: [],
      workdir: '/',
      user: '',
      exposedPorts: [],
      stopSignal: 'SIGTERM',
    },
    size: 1,
    ownSize: 1,
    pulledAt: 1,
    builtIn: false,
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  }
}

const images = [image('starter'), image('ghcr.io/acme/worker:1.4', 5), image('debian:latest', 9)]
const texts = (typed: string): string[] =>
  imageChoices(typed, images).map((c) =>
    c.kind === 'import' ? c.from : `${c.kind} ${c.reference}`,
  )

describe('the image field', () => {
  it('offers everything that is here first, the latest used on top, then files', () => {
    expect(texts('')).toEqual([
      'cached debian:latest',
      'cached ghcr.io/acme/worker:1.4',
      'cached starter',
      'archive',
      'folder',
    ])
  })

  it('offers to pull what is not here', () => {
    expect(texts('worker')).toEqual([
      'cached ghcr.io/acme/worker:1.4',
      'pull worker',
      'archive',
      'folder',
    ])
  })

  it('does not offer to pull what is here, under whichever name', () => {
    expect(texts('debian')).toEqual(['cached debian:latest', 'archive', 'folder'])
    expect(findImage(' debian ', images)?.reference).toBe('debian:latest')
    expect(findImage('localhost:5000/debian', images)).toBeUndefined()
  })

  it('does not offer to pull what cannot be a reference', () => {
    expect(texts('not a name')).toEqual(['archive', 'folder'])
  })

  it('proposes the image used last, and the starter if there is none', () => {
    expect(proposedImage(images)).toBe('debian:latest')
    expect(proposedImage([])).toBe('starter')
  })
})
