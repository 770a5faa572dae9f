// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSocket } from '../../../../../src/main/image/daemon/safe-socket'

const me = process.getuid!()
let dir: string
let path: string
let server: Server
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'socket-'))
  mkdirSync(join(dir, 'run'))
  path = join(dir, 'run/daemon.sock')
  server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
})
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(dir, { recursive: true })
})

describe('a socket', () => {
  it('is good if it is the user’s own, also behind a link', async () => {
    symlinkSync(path, join(dir, 'link'))
    expect(await checkSocket(join(dir, 'link'), me)).toEqual({ ok: true, path })
  })

  it('is not good if it is another user’s', async () => {
    // As root, the owner can be changed; as anyone else, we can pretend to be another.
    if (me === 0) chownSync(path, 12_345, 12_345)
    const checked = await checkSocket(path, me === 0 ? 0 : me + 1)
    expect(checked).toMatchObject({ ok: false, why: expect.stringContaining('another user') })
  })

  it.each(['', 'run'])(
    'is not good where others can put another one in its place: %j',
    async (folder) => {
      chmodSync(join(dir, folder), 0o777)
      const why = expect.stringContaining('which other users can change') as string
      expect(await checkSocket(path, me)).toEqual({ ok: false, why })
      // As /tmp is: only the owner of a file can take it away.
      chmodSync(join(dir, folder), 0o1777)
      expect(await checkSocket(path, me)).toEqual({ ok: true, path })
    },
  )

  it('is one, or absent', async () => {
    writeFileSync(join(dir, 'file'), '')
    const why = expect.stringContaining('no socket') as string
    expect(await checkSocket(join(dir, 'file'), me)).toEqual({ ok: false, why })
    expect(await checkSocket(join(dir, 'none'), me)).toEqual({ ok: false })
  })
})
