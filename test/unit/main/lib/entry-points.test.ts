// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { entryPoint, nodeProgram, projectRoot } from '../../../../src/main/lib/entry-points'

describe('a script for a process of its own', () => {
  it('lies in out/main, wherever this code was bundled to', () => {
    expect(entryPoint('runner', 'file:///p/out/main/index.js')).toBe('/p/out/main/runner.js')
    expect(entryPoint('runner', 'file:///p/out/main/chunks/a-1.js')).toBe('/p/out/main/runner.js')
    expect(entryPoint('cli', 'file:///p/src/main/lib/entry-points.ts')).toBe('/p/out/main/cli.js')
  })

  it('lies beside the archive of a packaged app, whose other files stay in it', () => {
    const here = 'file:///opt/An%20App/resources/app.asar/out/main/chunks/a-1.js'
    const unpacked = '/opt/An App/resources/app.asar.unpacked/out/main/runner.js'
    expect(entryPoint('runner', here)).toBe(unpacked)
    expect(entryPoint('runner', here.replace('.asar', '.asar.unpacked'))).toBe(unpacked)
    expect(projectRoot(here)).toBe('/opt/An App/resources/app.asar')
  })
})

describe('the program for scripts', () => {
  const app = '/Applications/An App.app/Contents'
  const helper = `${app}/Frameworks/An App Helper.app/Contents/MacOS/An App Helper`
  const vmm = `${app}/Frameworks/An App Helper (VMM).app/Contents/MacOS/An App Helper (VMM)`
  const host = (execPath: string, there: string[] = []) => ({
    execPath,
    exists: (path: string) => there.includes(path),
  })

  it('is the one that runs us, outside of a macOS bundle', () => {
    expect(nodeProgram('runner', host('/usr/bin/node'))).toBe('/usr/bin/node')
    expect(nodeProgram('krun-vmm', host('/opt/a/electron'))).toBe('/opt/a/electron')
  })

  it('is the app’s helper in a bundle, for krun-vmm the one that may use the hypervisor', () => {
    for (const execPath of [`${app}/MacOS/An App`, helper]) {
      expect(nodeProgram('runner', host(execPath, [helper, vmm]))).toBe(helper)
      expect(nodeProgram('krun-vmm', host(execPath, [helper, vmm]))).toBe(vmm)
    }
  })

  it('is the one that runs us where the bundle has no such helper', () => {
    expect(nodeProgram('krun-vmm', host(`${app}/MacOS/An App`, [helper]))).toBe(
      `${app}/MacOS/An App`,
    )
  })
})
