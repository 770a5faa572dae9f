// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { planPackage } from '../../../../scripts/package/plan.mjs'

const own = { path: '/e/electron', version: '41.0.0', source: 'package.json' as const }
const registry = { path: '/c/electron', version: '33.0.0', source: 'registry' as const }
const plan = (options: object, electron = own, env = {}, platform: NodeJS.Platform = 'linux') =>
  planPackage({
    options: { dir: false, target: [], arch: 'x64', ...options },
    electron,
    platform,
    env,
  })

describe('planning a package', () => {
  it('builds all packages of the system with Electron’s own binary, publishing none', () => {
    const { args, stageElectron } = plan({})
    expect(args).toEqual(['--linux', '--x64', '--publish', 'never'])
    expect(stageElectron).toBeUndefined()
    expect(plan({}, own, {}, 'darwin').args[0]).toBe('--mac')
  })

  it('puts the registry’s Electron only into what installs nothing, and calls it development', () => {
    for (const options of [{ dir: true }, { target: ['tar.gz'] }]) {
      const { args, stageElectron } = plan(options, registry as never)
      expect(stageElectron).toBe(registry.path)
      expect(args).toContain('-c.electronVersion=33.0.0')
      expect(args.find((arg) => arg.startsWith('-c.artifactName='))).toMatch(/-development\./)
    }
    for (const options of [{}, { target: ['deb'] }, { target: ['tar.gz', 'AppImage'] }])
      expect(() => plan(options, registry as never)).toThrow(/development and tests only/)
  })

  it('names a feed for updates only if asked to, and only a safe one', () => {
    expect(plan({}).args.join(' ')).not.toContain('publish.url')
    expect(plan({}, own, { MICROVM_UPDATE_FEED: 'https://x.example/d' }).args).toEqual(
      expect.arrayContaining(['-c.publish.provider=generic', '-c.publish.url=https://x.example/d']),
    )
    expect(() => plan({}, own, { MICROVM_UPDATE_FEED: 'http://x.example' })).toThrow(/FEED/)
  })

  it('keeps electron-builder from linking to the originals and from looking for certificates', () => {
    const { env } = plan({}, own, { VITEST: 'true', HOME: '/h' })
    expect(env).not.toHaveProperty('VITEST')
    expect(env).toMatchObject({ HOME: '/h', CSC_IDENTITY_AUTO_DISCOVERY: 'false' })
  })

  it('refuses other systems and processors', () => {
    expect(() => plan({}, own, {}, 'win32')).toThrow(/win32/)
    expect(() => plan({ arch: 'mips' })).toThrow(/mips/)
  })
})
