// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import type { FileEntry, ImageView } from '../../../../src/contract/images'
import { runCli } from '../../../../src/main/cli/program'
import type { Engine } from '../../../../src/main/engine'
import { fakeTerminal } from './fake-terminal'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'microvm-cli-images-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

const digest = `sha256:${'a'.repeat(64)}`
const layer = {
  diffId: digest,
  blobSize: 10,
  sizeOnDisk: 4096,
  entries: 3,
  createdBy: 'RUN \u001b[31mred',
}
const view = { reference: 'debian', digest, layers: [layer, layer] } as unknown as ImageView
const entry = (name: string, more: Partial<FileEntry> = {}): FileEntry => ({
  name,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 5,
  modifiedAt: 0,
  layer: 0,
  ...more,
})
const folders: Record<string, FileEntry[]> = {
  '': [
    entry('etc', { type: 'directory' }),
    entry('old', { type: 'directory', change: 'removed' }),
    entry('new', { change: 'added' }),
  ],
  etc: [entry('hosts', { change: 'changed' }), entry('odd', { modifiedAt: 1e20 })],
}

let calls: unknown[][]
let engine: Engine
beforeEach(() => {
  calls = []
  const images = {
    view: async (name: string) => {
      if (name === 'nothing') throw new MicrovmError('IMAGE_NOT_FOUND', `no image ${name} here`)
      return { ...view, reference: name }
    },
    tag: async (name: string, to: string) => {
      calls.push(['tag', name, to])
      return { view: { ...view, reference: to }, layers: [] }
    },
    remove: async (name: string) => void calls.push(['remove', name]),
    prune: async (options: object) => {
      calls.push(['prune', options])
      return { images: ['debian'], layers: 2, bytes: 5 * 1024 * 1024 }
    },
    exportImage: async (name: string, format: string) => {
      calls.push(['export', name, format])
      return (async function* () {
        yield Buffer.from('one')
        if (name === 'broken') throw new MicrovmError('STATE_CORRUPT', 'damaged')
        yield Buffer.from('two')
      })()
    },
    importStream: async (archive: AsyncIterable<Buffer>, { reference }: { reference?: string }) => {
      const chunks: Buffer[] = []
      for await (const chunk of archive) chunks.push(chunk)
      calls.push(['import', Buffer.concat(chunks).toString(), reference])
      return { view, layers: [] }
    },
  }
  const browser = {
    open: async () => ({
      digest,
      layers: [layer, layer].map(() => ({
        added: 1,
        changed: 2,
        removed: 3,
        fileBytes: 4,
        wastedBytes: 5,
        hiddenBytes: 6,
      })),
    }),
    ask: async (_digest: string, _query: string, { view: of, path }: never) => {
      calls.push(['list', of, path])
      const entries = folders[path] ?? []
      return { total: entries.length, entries }
    },
  }
  engine = { images, browser, close: async () => undefined } as unknown as Engine
})

async function microvm(args: string[], { stdin = '', interactive = false } = {}) {
  const terminal = fakeTerminal({ interactive })
  terminal.stdin.end(stdin)
  const code = await runCli(['image', ...args], terminal, async () => engine)
  return { code, out: terminal.out, err: terminal.err }
}

describe('microvm image', () => {
  it('explains itself, and refuses what it does not know', async () => {
    expect((await microvm(['--help'])).out).toContain('prune')
    expect((await microvm(['dance'])).code).toBe(2)
    expect((await microvm(['rm'])).code).toBe(2)
  })

  it('inspect prints JSON with and without --json', async () => {
    const plain = await microvm(['inspect', 'debian'])
    expect(JSON.parse(plain.out)).toEqual(view)
    expect((await microvm(['inspect', '--json', 'debian'])).out).toBe(plain.out)
    const missing = await microvm(['inspect', 'nothing'])
    expect(missing).toMatchObject({ code: 125, err: expect.stringContaining('nothing') as string })
  })

  it('history lists layers, with nothing a terminal would obey', async () => {
    const { out } = await microvm(['history', 'debian'])
    expect(out.split('\n')[1]).toMatch(/^1 +4\.0 KiB +3 +RUN \ufffd\[31mred$/)
    expect(JSON.parse((await microvm(['history', '--json', 'debian'])).out)).toHaveLength(2)
  })

  it('files lists a folder, of the whole image or after a layer', async () => {
    const { out } = await microvm(['files', 'debian', '/etc/'])
    expect(out).toMatch(/^file +0644 +0:0 +5 +1970-01-01 00:00 +hosts$/m)
    expect(out).toMatch(/\? +odd$/m)
    await microvm(['files', 'debian', '--layer', '2'])
    expect(calls).toEqual([
      ['list', {}, 'etc'],
      ['list', { layer: 1 }, ''],
    ])
    expect((await microvm(['files', 'debian', '--layer', '3'])).code).toBe(2)
  })

  it('diff counts for all layers, and names the files of one', async () => {
    expect((await microvm(['diff', 'debian'])).out).toMatch(/^2 +1 +2 +3 +4 B +5 B$/m)
    const { out } = await microvm(['diff', 'debian', '--layer', '1'])
    expect(out).toBe('C /etc/hosts\nD /old\nA /new\n')
  })

  it('rm, tag and prune say what they did', async () => {
    expect((await microvm(['rm', 'a', 'b'])).out).toBe('a\nb\n')
    expect((await microvm(['tag', 'debian', 'mine:1'])).out).toBe('mine:1\n')
    const pruned = await microvm(['prune', '--all', '--unused-for', '7d', '--dry-run'])
    expect(pruned).toEqual({ code: 0, out: 'debian\n', err: 'Would free 5.0 MiB.\n' })
    expect(calls.slice(2)).toEqual([
      ['tag', 'debian', 'mine:1'],
      ['prune', { all: true, dryRun: true, unusedForMs: 7 * 24 * 3600 * 1000 }],
    ])
    expect((await microvm(['prune', '--unused-for', 'long'])).code).toBe(2)
  })

  it('save writes a new file, or a pipe, but not a terminal', async () => {
    const target = join(dir, 'image.tar')
    expect((await microvm(['save', 'debian', '-o', target])).out).toBe(`${target}\n`)
    expect(readFileSync(target, 'utf8')).toBe('onetwo')
    expect((await microvm(['save', 'debian', '--format', 'oci'])).out).toBe('onetwo')
    expect(calls).toEqual([
      ['export', 'debian', 'docker'],
      ['export', 'debian', 'oci'],
    ])
    expect((await microvm(['save', 'debian'], { interactive: true })).code).toBe(2)
    expect((await microvm(['save', 'debian', '--format', 'zip'])).code).toBe(2)
  })

  it('save leaves no half of a file, and no file of others', async () => {
    const target = join(dir, 'broken.tar')
    expect((await microvm(['save', 'broken', '-o', target])).code).toBe(125)
    expect(existsSync(target)).toBe(false)
    writeFileSync(target, 'precious')
    expect((await microvm(['save', 'debian', '-o', target])).err).toContain('exists already')
    expect(readFileSync(target, 'utf8')).toBe('precious')
  })

  it('load reads an archive from standard input', async () => {
    const { out } = await microvm(['load', '--name', 'mine'], { stdin: 'an archive' })
    expect(out).toBe('debian\n')
    expect(calls).toEqual([['import', 'an archive', 'mine']])
    expect((await microvm(['load'], { interactive: true })).code).toBe(2)
  })
})
