// SPDX-License-Identifier: Apache-2.0
// Init's own functions in C, called through harness.c, with the compiler's sanitizers on: what a hostile
// image or host can hand them must neither crash them nor be misread.
import { execFile, spawnSync } from 'node:child_process'
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises' // prettier-ignore
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guestEventSchema } from '../../../../src/contract/guest-protocol'
import { warnings } from '../../../../scripts/guest/compile.mjs'

const sources = resolve(import.meta.dirname, '../../../../native-runner/guest')
const units = ['accounts', 'authorized-keys', 'files', 'json', 'requests', 'search-path', 'words']

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guest-c-'))
  const args = [...warnings, '-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover']
  const files = [join(import.meta.dirname, 'harness.c'), ...units.map((unit) => `${unit}.c`)]
  await promisify(execFile)(
    'gcc',
    [...args, `-I${sources}`, ...files, '-o', join(dir, 'harness')],
    {
      cwd: sources,
    },
  )
}, 120_000)
afterAll(() => rm(dir, { recursive: true }))

/** What the harness printed. A sanitizer's complaint is a failure. */
function call(args: readonly string[], input: string | Uint8Array = ''): string {
  const env = { ASAN_OPTIONS: 'detect_leaks=0' }
  const result = spawnSync(join(dir, 'harness'), args, { input, env, cwd: dir })
  expect({ status: result.status, stderr: result.stderr.toString() }).toEqual({
    status: 0,
    stderr: '',
  })
  return result.stdout.toString()
}

describe('an event', () => {
  const message = (input: string | Uint8Array): string => {
    const event = guestEventSchema.parse(JSON.parse(call(['json'], input)))
    return event.event === 'warning' ? event.message : ''
  }

  it('is one line of JSON with its time in milliseconds', () => {
    expect(call(['json'], 'hi')).toBe(
      '{"event":"warning","uptime":1234.567,"message":"hi","code":-7,"share":99.5}\n',
    )
  })

  it.each(['"quoted" \\ and / slashed', 'tab\t, line\n, bell\u0007, delete\u007f', 'ünï 漢字 🦆'])(
    'carries %j unchanged',
    (text) => expect(message(text)).toBe(text),
  )

  it.each([
    ['a stray continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a code point too large', [0xf4, 0x90, 0x80, 0x80]],
    ['a sequence cut short', [0xe6, 0xbc]],
    ['a byte that is never UTF-8', [0xff]],
  ])('replaces %s, keeping what is around it', (_, bytes) => {
    const text = message(Buffer.from([0x61, ...bytes, 0x62]))
    expect(text).toMatch(/^a\ufffd+b$/)
  })

  it.each(['x', '"', '\u0001', '漢'])('of any length stays a whole line: %j', (unit) => {
    for (const count of [4000, 4030, 4040, 4050, 4096, 20_000]) {
      const line = call(['json'], unit.repeat(count))
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4096)
      expect(unit.repeat(count).startsWith(JSON.parse(line).message)).toBe(true)
    }
  })
})

describe('a list of words', () => {
  it('is split at its NULs, empty words too', () => {
    expect(call(['words', '9'], 'a\0\0b c\0')).toBe('[a][][b c]\n')
    expect(call(['words', '9'], '')).toBe('\n')
  })

  it('is refused when its last word has no end, or there are too many', () => {
    expect(call(['words', '9'], 'a\0b')).toBe('refused\n')
    expect(call(['words', '2'], 'a\0b\0c\0')).toBe('refused\n')
  })

  it('as an environment takes new values in place and new names at the end', () => {
    expect(call(['env', 'A', 'new', 'C', 'x=y'], 'A=1\0AB=2\0')).toBe('[A=new][AB=2][C=x=y]A=new\n')
    expect(call(['env'], 'AA=1\0')).toBe('[AA=1]A=(none)\n')
  })
})

describe('a user', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/bash\n#comment\nbroken\nweb:x:33:44:Web:/srv:/bin/sh\n'
  const group = 'root:x:0:\nweb:x:44:\ndisk:x:6:other,web\ntty:x:5:webster\nlast:x:7:web'
  const resolved = (spec: string): string => call(['account', spec], `${passwd}--\n${group}`)

  it.each([
    ['', 'found 0:0 groups= name=root home=/root shell=/bin/bash\n'],
    ['root', 'found 0:0 groups= name=root home=/root shell=/bin/bash\n'],
    ['web', 'found 33:44 groups=6,7, name=web home=/srv shell=/bin/sh\n'],
    ['33', 'found 33:44 groups=6,7, name=web home=/srv shell=/bin/sh\n'],
    ['web:tty', 'found 33:5 groups= name=web home=/srv shell=/bin/sh\n'],
    ['web:1234', 'found 33:1234 groups= name=web home=/srv shell=/bin/sh\n'],
    ['1000', 'found 1000:0 groups= name= home=/ shell=\n'],
    ['1000:1001', 'found 1000:1001 groups= name= home=/ shell=\n'],
    ['web:', 'found 33:44 groups=6,7, name=web home=/srv shell=/bin/sh\n'],
    [':5', 'found 0:5 groups= name=root home=/root shell=/bin/bash\n'],
    ['nobody', 'no-user\n'],
    ['we', 'no-user\n'],
    ['4294967296', 'no-user\n'],
    ['2147483648', 'no-user\n'],
    ['-1', 'no-user\n'],
    ['web:nogroup', 'no-group\n'],
  ])('given as %j is found as Docker does', (spec, expected) => {
    expect(resolved(spec)).toBe(expected)
  })

  it('is found in an image without accounts only by number', () => {
    expect(call(['account', ''], '')).toBe('found 0:0 groups= name= home=/ shell=\n')
    expect(call(['account', 'web'], '')).toBe('no-user\n')
  })

  it('whose home is absurdly long has none, rather than a piece of it', () => {
    const line = `web:x:1:2::/${'h'.repeat(5000)}:/bin/sh\n`
    expect(call(['account', 'web'], line)).toBe('found 1:2 groups= name=web home= shell=/bin/sh\n')
  })

  it('in more groups than there is room for is in as many as there is', () => {
    const groups = Array.from({ length: 200 }, (_, i) => `g${i}:x:${i}:web\n`).join('')
    const text = call(['account', 'web'], `web:x:1:2::/:\n--\n${groups}`)
    expect(text.split(',')).toHaveLength(65)
  })

  it('root has a home and a name whatever the image says', () => {
    expect(call(['root'], '')).toBe('root /root \n')
    expect(call(['root'], 'toor:x:0:0::/admin:/bin/zsh\n')).toBe('toor /admin /bin/zsh\n')
  })
})

describe('authorized keys', () => {
  const ed25519 = `ssh-ed25519 ${Buffer.from([0, 0, 0, 11, ...Buffer.from('ssh-ed25519'), 0, 0, 0, 32, ...Buffer.alloc(32)]).toString('base64')}`

  it.each([
    [ed25519, 'usable'],
    [`# comment\n\n  ${ed25519} me@here\n`, 'usable'],
    [`rubbish\n${ed25519}`, 'usable'],
    ['', 'useless'],
    ['ssh-ed25519 ', 'useless'],
    ['ssh-ed25519 AAAA', 'useless'],
    [ed25519.replace('ssh-ed25519 ', 'ssh-rsa '), 'useless'],
    [ed25519.slice(0, 32), 'useless'],
    [`#${ed25519}`, 'useless'],
  ])('%j let someone in: %s', (text, expected) => {
    expect(call(['keys'], text)).toBe(`${expected}\n`)
  })
})

describe('a wish to end', () => {
  it.each([
    [15, 'reboot'],
    [2, 'reboot'],
    [10, 'poweroff'],
    [12, 'poweroff'],
    [34 + 4, 'poweroff'],
    [34 + 5, 'reboot'],
    [1, '(none)'],
    [17, '(none)'],
    [34, '(none)'],
  ])('by signal %i means %s', (signal, expected) => {
    expect(call(['signal', String(signal)])).toBe(`${expected}\n`)
  })

  const request = (magic: number, command: number, runlevel: string): Buffer => {
    const bytes = Buffer.alloc(384)
    bytes.writeInt32LE(magic, 0)
    bytes.writeInt32LE(command, 4)
    bytes.writeInt32LE(runlevel.charCodeAt(0), 8)
    return bytes
  }

  it.each([
    [request(0x03091969, 1, '6'), 'reboot'],
    [request(0x03091969, 1, '0'), 'poweroff'],
    [request(0x03091969, 1, '3'), '(none)'],
    [request(0x03091969, 2, '6'), '(none)'],
    [request(1, 1, '6'), '(none)'],
    [request(0x03091969, 1, '6').subarray(0, 383), '(none)'],
  ])('by /run/initctl means what sysvinit means by it (%#)', (bytes, expected) => {
    expect(call(['initctl'], bytes)).toBe(`${expected}\n`)
  })
})

describe('a file put into the machine', () => {
  it('takes the place of a symbolic link, and leaves alone what that points to', async () => {
    await writeFile(join(dir, 'victim'), 'untouched')
    await symlink('victim', join(dir, 'link'))
    await symlink('nowhere', join(dir, 'dangling'))
    expect(call(['replace', 'link'], 'new')).toBe('ok\n')
    expect(call(['replace', 'dangling'], 'new')).toBe('ok\n')
    expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('untouched')
    for (const name of ['link', 'dangling']) {
      expect((await lstat(join(dir, name))).isFile()).toBe(true)
      expect((await lstat(join(dir, name))).mode & 0o777).toBe(0o640)
    }
  })

  it('does not take the place of a folder', async () => {
    await mkdir(join(dir, 'folder'))
    expect(call(['replace', 'folder'], 'new')).not.toBe('ok\n')
    expect((await lstat(join(dir, 'folder'))).isDirectory()).toBe(true)
  })

  it('that is too large, or no regular file, is not read', async () => {
    await writeFile(join(dir, 'ten'), '0123456789')
    expect(call(['load', 'ten', '10'])).toBe('10 0123456789\n')
    expect(call(['load', 'ten', '9'])).toBe('File too large\n')
    expect(call(['load', '/dev/zero', '9'])).toBe('Invalid argument\n')
  })

  it('comes with its whole tree, into folders that keep their mode', async () => {
    const from = join(dir, 'from')
    const to = join(dir, 'to')
    await mkdir(join(from, 'etc/deep'), { recursive: true })
    await writeFile(join(from, 'etc/deep/file'), 'content')
    await chmod(join(from, 'etc/deep/file'), 0o4711)
    await chmod(join(from, 'etc/deep'), 0o2750)
    await symlink('/etc/deep', join(from, 'etc/link'))
    await mkdir(join(to, 'etc'), { recursive: true })
    await chmod(join(to, 'etc'), 0o711)
    await symlink('/etc/passwd', join(to, 'etc/link'))
    expect(call(['copy', from, to])).toBe('ok\n')
    expect(await readFile(join(to, 'etc/deep/file'), 'utf8')).toBe('content')
    expect((await lstat(join(to, 'etc/deep/file'))).mode & 0o7777).toBe(0o4711)
    expect((await lstat(join(to, 'etc/deep'))).mode & 0o7777).toBe(0o2750)
    expect((await lstat(join(to, 'etc'))).mode & 0o7777).toBe(0o711)
    expect(await readlink(join(to, 'etc/link'))).toBe('/etc/deep')
  })

  it('finds its parents made, but not through a file', () => {
    expect(call(['mkdir', join(dir, 'a/b/c')])).toBe('ok\n')
    expect(call(['mkdir', join(dir, 'a/b/c')])).toBe('ok\n')
    expect(call(['mkdir', '/'])).toBe('ok\n')
    expect(call(['mkdir', join(dir, 'harness/sub')])).toBe('Not a directory\n')
  })
})

describe('a program', () => {
  it('is looked for in every folder of PATH', () => {
    expect(call(['execute', '/nowhere:/usr/bin:/bin', 'echo', 'found'])).toBe('found\n')
  })

  it('that is nowhere is told apart from one that may not be run', async () => {
    await writeFile(join(dir, 'plain'), '')
    expect(call(['execute', '/nowhere:/bin', 'no-such-program'])).toBe(
      'No such file or directory\n',
    )
    expect(call(['execute', `${dir}:/nowhere`, 'plain'])).toBe('Permission denied\n')
    expect(call(['execute', '', ''])).toBe('No such file or directory\n')
  })
})
