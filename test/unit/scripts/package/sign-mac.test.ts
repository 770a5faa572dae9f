// SPDX-License-Identifier: Apache-2.0
// On a faked bundle, with a codesign on PATH that writes down how it is called.
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addVmmHelper } from '../../../../scripts/package/mac-vmm-helper.mjs'
import { signApp, signingOrder } from '../../../../scripts/package/sign-mac.mjs'

const MACH_O = Buffer.from('cffaedfe0c000001', 'hex')
const FAT = Buffer.from('cafebabe00000002', 'hex')
const propertyList = (name: string): string => `<plist version="1.0"><dict>
  <key>CFBundleExecutable</key><string>${name}</string>
  <key>CFBundleIdentifier</key><string>io.microvm.desktop.helper</string>
  <key>CFBundleName</key><string>${name}</string>
  <key>CFBundleDisplayName</key>
  <string>${name}</string>
</dict></plist>`

let work: string
let app: string

async function put(path: string, content: string | Buffer): Promise<void> {
  const file = join(app, 'Contents', path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}

/** As the packager leaves it: Electron's framework with its parts, helpers, our own native parts. */
async function makeBundle(): Promise<void> {
  app = join(work, 'Some App.app')
  const framework = 'Frameworks/Electron Framework.framework'
  await put('MacOS/Some App', MACH_O)
  await put('Info.plist', propertyList('Some App'))
  await put(`${framework}/Versions/A/Electron Framework`, MACH_O)
  await put(`${framework}/Versions/A/Libraries/libffmpeg.dylib`, MACH_O)
  await put(`${framework}/Versions/A/Helpers/chrome_crashpad_handler`, MACH_O)
  await put(`${framework}/Versions/A/Resources/icudtl.dat`, 'data')
  await symlink('A', join(app, 'Contents', framework, 'Versions/Current'))
  for (const name of ['Some App Helper', 'Some App Helper (GPU)']) {
    await put(`Frameworks/${name}.app/Contents/MacOS/${name}`, MACH_O)
    await put(`Frameworks/${name}.app/Contents/Info.plist`, propertyList(name))
  }
  await put('Resources/app.asar', 'archive')
  await put('Resources/app.asar.unpacked/out/native/krun.node', MACH_O)
  await put('Resources/runtime/darwin-arm64/bin/gvproxy', FAT)
  await put('Resources/runtime/darwin-arm64/lib/libkrun.dylib', MACH_O)
}

/** A codesign that writes its arguments, one line per call, and fails for what `failing` names. */
async function fakeCodesign(failing = 'nothing'): Promise<() => Promise<string[][]>> {
  const log = join(work, 'calls')
  const bin = join(work, 'bin')
  await mkdir(bin)
  const script = `#!/bin/sh
for word in "$@"; do printf '%s\\t' "$word"; done >> '${log}'
echo >> '${log}'
case "$*" in *'${failing}'*) echo 'errSecInternalComponent' >&2; exit 1 ;; esac
`
  await writeFile(join(bin, 'codesign'), script)
  await chmod(join(bin, 'codesign'), 0o755)
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`)
  return async () =>
    (await readFile(log, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t').filter(Boolean))
}

const entitlements = { app: '/lists/app.plist', vmm: '/lists/vmm.plist' }
const say = (): void => undefined
const inside = (path: string): string => relative(app, path) || '.'

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'microvm-sign-'))
  await makeBundle()
  await addVmmHelper(app)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(work, { recursive: true, force: true })
})

describe('the helper for krun-vmm', () => {
  it('is a copy of the plain helper under a name and identifier of its own', async () => {
    const helper = join(app, 'Contents/Frameworks/Some App Helper (VMM).app/Contents')
    expect(await readFile(join(helper, 'MacOS/Some App Helper (VMM)'))).toEqual(MACH_O)
    const list = await readFile(join(helper, 'Info.plist'), 'utf8')
    expect(list).toContain('<key>CFBundleExecutable</key><string>Some App Helper (VMM)</string>')
    expect(list).toContain('<string>io.microvm.desktop.helper.vmm</string>')
    expect(list).not.toContain('<string>Some App Helper</string>')
  })

  it('is added only once', async () => {
    await expect(addVmmHelper(app)).rejects.toThrow(/exist/)
  })
})

describe('signing a bundle', () => {
  it('goes from the inside out: libraries, frameworks, helpers, the libkrun helper, the app', async () => {
    const framework = 'Contents/Frameworks/Electron Framework.framework'
    expect((await signingOrder(app)).map(({ path, role }) => `${role} ${inside(path)}`)).toEqual([
      `library ${framework}/Versions/A/Helpers/chrome_crashpad_handler`,
      `library ${framework}/Versions/A/Libraries/libffmpeg.dylib`,
      'library Contents/Resources/app.asar.unpacked/out/native/krun.node',
      'library Contents/Resources/runtime/darwin-arm64/bin/gvproxy',
      'library Contents/Resources/runtime/darwin-arm64/lib/libkrun.dylib',
      `framework ${framework}`,
      'helper Contents/Frameworks/Some App Helper (GPU).app',
      'helper Contents/Frameworks/Some App Helper.app',
      'vmm Contents/Frameworks/Some App Helper (VMM).app',
      'app .',
    ])
  })

  it('gives the hypervisor’s entitlements to one helper only, and to libraries none', async () => {
    const calls = await fakeCodesign()
    const identity = 'Developer ID Application: Someone (TEAM)'
    expect(await signApp(app, { identity, entitlements, say })).toBe('identity')
    const signed = (await calls()).filter(([first]) => first === '--force')
    const listOf = (call: string[]): string | undefined => {
      const at = call.indexOf('--entitlements')
      return at < 0 ? undefined : call[at + 1]
    }
    const lists = new Map(signed.map((call) => [inside(call.at(-1)!), listOf(call)]))
    expect(lists.get('Contents/Frameworks/Some App Helper (VMM).app')).toBe(entitlements.vmm)
    expect([...lists.values()].filter((list) => list === entitlements.vmm)).toHaveLength(1)
    expect(lists.get('.')).toBe(entitlements.app)
    expect(lists.get('Contents/Frameworks/Some App Helper.app')).toBe(entitlements.app)
    expect(lists.get('Contents/Resources/runtime/darwin-arm64/bin/gvproxy')).toBeUndefined()
    for (const call of signed) {
      expect(call.slice(1, 3)).toEqual(['--sign', identity])
      expect(call.join(' ')).toContain('--timestamp --options runtime')
    }
  })

  it('checks the whole at the end', async () => {
    const calls = await fakeCodesign()
    await signApp(app, { identity: 'Someone', entitlements, say })
    expect((await calls()).at(-1)).toEqual(['--verify', '--deep', '--strict', app])
  })

  it('signs ad hoc without an identity, and then without the hardened runtime', async () => {
    const calls = await fakeCodesign()
    expect(await signApp(app, { identity: undefined, entitlements, say })).toBe('ad hoc')
    for (const call of (await calls()).slice(0, -1)) {
      expect(call.slice(0, 3)).toEqual(['--force', '--sign', '-'])
      expect(call).not.toContain('runtime')
    }
  })

  it('ends with what codesign said as soon as one part fails', async () => {
    const calls = await fakeCodesign('libkrun.dylib')
    await expect(signApp(app, { identity: 'Someone', entitlements, say })).rejects.toThrow(
      /errSecInternalComponent/,
    )
    expect((await calls()).at(-1)?.at(-1)).toMatch(/libkrun\.dylib$/)
  })
})

describe('the entitlements', () => {
  const read = async (name: string): Promise<string[]> => {
    const text = await readFile(join(import.meta.dirname, '../../../../assets', name), 'utf8')
    return [...text.matchAll(/<key>([^<]+)<\/key>\s*<true\/>/g)].map(([, key]) => key!)
  }

  it('are three for the program that enters libkrun', async () => {
    expect(await read('entitlements.plist')).toEqual([
      'com.apple.security.hypervisor',
      'com.apple.security.cs.disable-library-validation',
      'com.apple.security.cs.allow-dyld-environment-variables',
    ])
  })

  it('are one for everything else: V8 compiles', async () => {
    expect(await read('entitlements.app.plist')).toEqual(['com.apple.security.cs.allow-jit'])
  })
})
