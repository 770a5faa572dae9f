// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import type { Engine } from '../../../../src/main/engine'
import { exportName } from '../../../../src/main/ipc/export-file'
import { imagesHandlers } from '../../../../src/main/ipc/images'
import { Operations } from '../../../../src/main/ipc/operations'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ipc-images-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

type Export = Engine['images']['exportImage']

function setUp({ exportImage, target }: { exportImage?: Export; target?: string } = {}) {
  const send = vi.fn()
  const chooseTarget = vi.fn(async () => target)
  const prune = vi.fn(async () => ({ images: ['old'], layers: 2, bytes: 10 }))
  const operations = new Operations(send)
  const images = { exportImage, prune } as unknown as Engine['images']
  const handlers = imagesHandlers({
    engine: async () => ({ images, browser: undefined as never }),
    operations,
    send,
    chooseImage: async () => undefined,
    chooseTarget,
  })
  return { handlers, operations, send, chooseTarget, prune }
}

const request = { reference: 'acme/web:1', format: 'oci', operationId: 'o' } as const

describe('exporting an image', () => {
  it('asks where, writes it there and says how far it is', async () => {
    const target = join(dir, 'web.tar')
    writeFileSync(target, 'an older one, which the user has agreed to replace')
    const exportImage: Export = async (_reference, _format, _signal, onSize) =>
      (async function* () {
        onSize?.(6)
        yield Buffer.from('one')
        yield Buffer.from('two')
      })()
    const { handlers, send, chooseTarget } = setUp({ exportImage, target })
    expect(await handlers['images.export'](request)).toBe(target)
    expect(chooseTarget).toHaveBeenCalledExactlyOnceWith('Export acme/web:1', 'web-1.oci.tar')
    expect(readFileSync(target, 'utf8')).toBe('onetwo')
    expect(readdirSync(dir)).toEqual(['web.tar'])
    expect(send.mock.lastCall).toEqual([
      'operation.progress',
      { operationId: 'o', progress: expect.objectContaining({ fraction: 1 }) as object },
    ])
  })

  it('leaves nothing of a file that failed half-way, and what was there before', async () => {
    const target = join(dir, 'web.tar')
    const failing: Export = async () =>
      (async function* () {
        yield Buffer.from('half')
        throw new MicrovmError('STATE_CORRUPT', 'damaged')
      })()
    const { handlers } = setUp({ exportImage: failing, target })
    await expect(handlers['images.export'](request)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
    })
    expect(readdirSync(dir)).toEqual([])
    writeFileSync(target, 'precious')
    await expect(handlers['images.export'](request)).rejects.toThrow('damaged')
    expect(readFileSync(target, 'utf8')).toBe('precious')
    expect(readdirSync(dir)).toEqual(['web.tar'])
  })

  it('can be cancelled, and then leaves nothing either', async () => {
    const endless: Export = async () =>
      (async function* () {
        for (;;) {
          yield Buffer.from('more')
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
    const { handlers, operations } = setUp({ exportImage: endless, target: join(dir, 'web.tar') })
    const running = handlers['images.export'](request)
    await vi.waitFor(() => expect(readdirSync(dir)).toHaveLength(1))
    operations.cancel('o')
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(readdirSync(dir)).toEqual([])
  })

  it('does nothing if the dialog is dismissed', async () => {
    const { handlers } = setUp()
    expect(await handlers['images.export'](request)).toBeNull()
  })

  it.each([
    ['starter', 'oci', 'starter.oci.tar'],
    ['ghcr.io/acme/worker:1.4', 'docker', 'worker-1.4.docker.tar'],
    ['localhost:5000/a', 'rootfs', 'a.rootfs.tar'],
    [`a@sha256:${'f'.repeat(64)}`, 'oci', `a-sha256-${'f'.repeat(64)}.oci.tar`],
  ] as const)('%s as %s is called %s', (reference, format, name) => {
    expect(exportName(reference, format)).toBe(name)
  })
})

describe('pruning', () => {
  it('tells the window that images have gone, but not in a dry run', async () => {
    const { handlers, send, prune } = setUp()
    const choice = { all: true, unusedForDays: 7, dryRun: true }
    const report = { images: ['old'], layers: 2, bytes: 10 }
    expect(await handlers['images.prune'](choice)).toEqual(report)
    expect(send).not.toHaveBeenCalled()
    expect(await handlers['images.prune']({ ...choice, dryRun: false })).toEqual(report)
    expect(send).toHaveBeenCalledExactlyOnceWith('images.changed', null)
    const unusedForMs = 7 * 24 * 3600 * 1000
    expect(prune.mock.calls).toEqual([
      [{ all: true, dryRun: true, unusedForMs }],
      [{ all: true, dryRun: false, unusedForMs }],
    ])
  })
})
