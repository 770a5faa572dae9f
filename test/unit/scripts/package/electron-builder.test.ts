// SPDX-License-Identifier: Apache-2.0
// The packages' description, of which only a part can be built here: judged by electron-builder's own schema, and by
// what it has to say.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Configuration } from 'electron-builder'
import { beforeAll, describe, expect, it } from 'vitest'
import { inProject } from '../../../../scripts/setup/paths.mjs'

// Both belong to electron-builder, and are found from where it lies.
const fromBuilder = createRequire(createRequire(import.meta.url).resolve('electron-builder'))
const { load } = fromBuilder('js-yaml') as { load(text: string): unknown }
const { validateConfiguration } = fromBuilder('app-builder-lib/out/util/config/config') as {
  validateConfiguration(config: unknown, log: object): Promise<void>
}
const quiet = { isEnabled: false, add: () => undefined }

const text = readFileSync(inProject('electron-builder.yml'), 'utf8')
let config: Configuration

beforeAll(() => {
  config = load(text) as Configuration
})

const targets = (of: Configuration['mac'] | Configuration['linux']): string[] =>
  ((of?.target ?? []) as { target: string; arch: string[] }[]).flatMap(({ target, arch }) =>
    arch.map((name) => `${target} ${name}`),
  )

describe('electron-builder.yml', () => {
  it('fits electron-builder’s schema, which knows a misspelt key', async () => {
    await validateConfiguration(structuredClone(config), quiet)
    const misspelt = { ...structuredClone(config), asarUnpak: [] }
    await expect(validateConfiguration(misspelt, quiet)).rejects.toThrow(/asarUnpak/)
  })

  it('builds a disk image and a zip for Apple silicon, signed by our own hook', () => {
    expect(targets(config.mac)).toEqual(['dmg arm64', 'zip arm64'])
    expect(config.mac).toMatchObject({ identity: null, notarize: false })
    expect(config.afterPack).toBe('./scripts/package/after-pack.mjs')
  })

  it('builds all four kinds of package for Linux, on both architectures', () => {
    const kinds = ['AppImage', 'deb', 'rpm', 'tar.gz']
    expect(targets(config.linux)).toEqual(kinds.flatMap((kind) => [`${kind} x64`, `${kind} arm64`]))
    expect(config.linux?.maintainer).toMatch(/^[^<]+ <\S+@\S+>$/)
  })

  it('takes each system’s own native parts', () => {
    expect(config.linux?.extraResources).toEqual([
      { from: 'runtime/linux-${arch}', to: 'runtime/linux-${arch}' },
    ])
    expect(config.mac?.extraResources).toEqual([
      { from: 'runtime/darwin-${arch}', to: 'runtime/darwin-${arch}' },
    ])
  })

  it('names no feed for updates', () => {
    expect(config.publish).toBeNull()
  })

  it('names only files of the repository that are there', () => {
    const fpm = [config.deb?.fpm ?? [], config.rpm?.fpm ?? []].flat()
    const mapped = fpm.flatMap((word) => /^(scripts\/[^=]+)=/.exec(word)?.[1] ?? [])
    expect(mapped).toHaveLength(2)
    const icons = [16, 32, 48, 64, 128, 256, 512].map((n) => `assets/icons/${n}x${n}.png`)
    for (const file of [...mapped, ...icons, 'scripts/package/after-pack.mjs', 'assets/icon.icns'])
      expect(readFileSync(inProject(file)).length, file).toBeGreaterThan(0)
  })

  it('puts what a package’s command and launchers name where they look for it', () => {
    const launcher = readFileSync(inProject('scripts/package/files/microvm.sh'), 'utf8')
    expect(launcher).toContain(`$app/${config.linux?.executableName}`)
    expect(launcher).toContain(`/Frameworks/${config.productName} Helper.app/`)
    const inPath = readFileSync(inProject('scripts/package/files/microvm-in-path.sh'), 'utf8')
    expect(inPath).toContain(`'/opt/${config.productName}/resources/bin/microvm'`)
  })
})
