// SPDX-License-Identifier: Apache-2.0
// Disk images through the built command, in real processes, which are killed, interrupted and run side by
// side; the server is a small one that can be told to stop halfway.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { execFile, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DiskImageView } from '../../src/contract/images'
import { makeCli, type Cli } from '../support/cli'
import { pack } from '../unit/main/image/support/pack'
import { startServer, type ScriptedServer } from '../unit/main/image/support/scripted-registry'

const run = promisify(execFile)
const MIB = 1024 * 1024
const disk = Buffer.concat([randomBytes(8 * MIB), Buffer.alloc(64 * MIB), randomBytes(512)])
const packed = pack('xz', disk, '-0')
/** Small to send, long to unpack. */
const zeros = Buffer.concat(Array<Buffer>(32).fill(pack('xz', Buffer.alloc(32 * MIB), '-0')))
/** Takes as much unpacked. */
const files: Record<string, Buffer> = {
  '/zeros.xz': zeros,
  '/noise.xz': pack('xz', randomBytes(2 * MIB), '-0'),
}
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

let server: ScriptedServer
/** Sends no more than so many bytes of a file, and then nothing. */
let most: number
let cli: Cli
const folder = (): string => join(cli.dataDir, 'images/disk-images')
const names = async (): Promise<string[]> =>
  (await readdir(folder())).filter((name) => !name.startsWith('.') && name !== 'sources')
const list = async (): Promise<DiskImageView[]> =>
  JSON.parse(await cli.ok(['disk', 'ls', '--json'])) as DiskImageView[]
const url = (name: string): string => `${server.origin}/${name}`

beforeAll(async () => {
  server = await startServer((request, response) => {
    const bytes = files[request.url ?? ''] ?? packed
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
    response.writeHead(start === 0 ? 200 : 206, {
      etag: `"${bytes.length}"`,
      'content-length': bytes.length - start,
      ...(start > 0 && { 'content-range': range }),
    })
    send(response, bytes.subarray(start))
  })
})
afterAll(() => server.close())

function send(response: ServerResponse, bytes: Buffer): void {
  if (bytes.length > most) response.write(bytes.subarray(0, most))
  else response.end(bytes)
}

beforeEach(async () => {
  most = Infinity
  server.asked.length = 0
  cli = await makeCli()
  return () => cli.dispose()
})

/** Until the file has so many bytes that have come. */
async function hasCome(bytes: number): Promise<void> {
  for (;;) {
    const part = (await names().catch(() => [])).find((name) => name.endsWith('.part'))
    if (part !== undefined && (await stat(join(folder(), part))).size >= bytes) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function says(child: ChildProcess, text: string): Promise<void> {
  let said = ''
  for await (const chunk of child.stderr!.setEncoding('utf8')) {
    said += chunk as string
    if (said.includes(text)) return
  }
  throw new Error(`it never said ${text}, but: ${said}`)
}

async function expectDisk(): Promise<void> {
  const [image] = await list()
  expect(image).toMatchObject({ digest: `sha256:${sha256(disk)}`, sha256: sha256(packed) })
  expect((await readFile(image!.path)).equals(disk)).toBe(true)
  expect(image!.sizeOnDisk).toBeLessThan(10 * MIB)
  expect((await names()).filter((name) => !name.endsWith('.raw'))).toEqual([])
}

describe('microvm disk pull', () => {
  it('goes on where a process was killed', async () => {
    most = 3 * MIB
    const killed = cli.start(['disk', 'pull', url('disk.xz')])
    await hasCome(3 * MIB)
    killed.kill('SIGKILL')
    await once(killed, 'close')
    expect(await list()).toEqual([])
    most = Infinity
    await cli.ok(['disk', 'pull', url('disk.xz'), '--sha256', sha256(packed)])
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([
      undefined,
      `bytes=${3 * MIB}-`,
    ])
    await expectDisk()
  })

  it('shows nothing of a process killed while it unpacks, and downloads nothing again', async () => {
    const killed = cli.start(['disk', 'pull', url('zeros.xz')])
    await says(killed, 'Unpacking')
    killed.kill('SIGKILL')
    await once(killed, 'close')
    expect(await list()).toEqual([])
    expect((await names()).some((name) => name.endsWith('.tmp'))).toBe(true)
    const cancelled = cli.start(['disk', 'pull', url('zeros.xz')])
    await says(cancelled, 'Unpacking')
    expect((await names()).filter((name) => name.endsWith('.tmp'))).toHaveLength(1)
    cancelled.kill('SIGINT')
    expect(await once(cancelled, 'close')).toEqual([130, null])
    expect((await names()).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(server.asked).toHaveLength(1)
  })

  it('is one download when two processes want the same', async () => {
    most = 3 * MIB
    const first = cli.start(['disk', 'pull', url('disk.xz')])
    await hasCome(3 * MIB)
    most = Infinity
    const second = cli.start(['disk', 'pull', url('disk.xz')])
    await says(second, 'Waiting for another download')
    // The first one dies: the second takes over what it has.
    first.kill('SIGKILL')
    expect(await once(second, 'close')).toEqual([0, null])
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([
      undefined,
      `bytes=${3 * MIB}-`,
    ])
    await expectDisk()
  })

  it('deletes what has another checksum than it should', async () => {
    const { code, stderr } = await cli.run([
      'disk',
      'pull',
      url('disk.xz'),
      '--sha256',
      'a'.repeat(64),
    ])
    expect(code).toBe(125)
    expect(stderr).toContain(sha256(packed))
    expect(await names()).toEqual([])
  })
})

describe.skipIf(process.getuid?.() !== 0)('on a full disk, which root alone can mount', () => {
  it.each([
    [
      'the download',
      '/disk.xz',
      3,
      /the download takes about 9 MiB, of which [1-3] MiB found room/,
    ],
    [
      'the unpacked disk',
      '/noise.xz',
      3,
      /the unpacked disk takes (?:about|more than the) \d+ [KM]iB.* found room/,
    ],
  ])('says how much %s needs, and leaves nothing', async (_, name, mib, message) => {
    const mount = await mkdtemp(join(tmpdir(), 'disk-images-full-'))
    await run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', mount])
    try {
      const small = await makeCli({ dataDir: join(mount, 'data') })
      const { code, stderr } = await small.run(['disk', 'pull', url(name.slice(1))])
      expect(code).toBe(125)
      expect(stderr).toMatch(message)
      expect(stderr).toContain('Free some space')
      const left = await readdir(join(mount, 'data/images/disk-images'), { recursive: true })
      expect(left.filter((file) => !/(?:^\.|\.json$)/.test(file))).toEqual([])
    } finally {
      await run('umount', ['-l', mount])
      await rm(mount, { recursive: true })
    }
  })
})
