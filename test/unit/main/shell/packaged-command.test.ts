// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { packagedCommand } from '../../../../src/main/shell/packaged-command'

describe('the command of a packaged app', () => {
  it('is microvm where deb or rpm have installed it', () => {
    expect(packagedCommand('/opt/MicroVM Desktop/resources')).toBe('microvm')
  })

  it('is its path elsewhere, as a shell reads it', () => {
    expect(packagedCommand('/srv/app/resources')).toBe('/srv/app/resources/bin/microvm')
    expect(packagedCommand("/home/o'neil/An App/resources")).toBe(
      String.raw`'/home/o'\''neil/An App/resources/bin/microvm'`,
    )
  })
})
