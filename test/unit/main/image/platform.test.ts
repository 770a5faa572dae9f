// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { guestPlatform, platformRank, wrongPlatform } from '../../../../src/main/image/platform'

const amd64 = guestPlatform('x64')
const of = (os: string, architecture: string, variant?: string) => ({ os, architecture, variant })

describe('the platform of a guest', () => {
  it("is Linux on the host's architecture", () => {
    expect(amd64).toEqual({ os: 'linux', architecture: 'amd64' })
    expect(guestPlatform('arm64')).toEqual({ os: 'linux', architecture: 'arm64' })
  })

  it('fits images of that architecture, the base level first', () => {
    expect(platformRank(amd64, of('linux', 'amd64'))).toBe(0)
    expect(platformRank(amd64, of('linux', 'amd64', 'v1'))).toBe(0)
    expect(platformRank(amd64, of('linux', 'amd64', 'v3'))).toBe(1)
    expect(platformRank(guestPlatform('arm64'), of('linux', 'arm64', 'v8'))).toBe(0)
    expect(platformRank(amd64, of('linux', 'arm64'))).toBeUndefined()
    expect(platformRank(amd64, of('windows', 'amd64'))).toBeUndefined()
    expect(platformRank(amd64, of('unknown', 'unknown'))).toBeUndefined()
  })

  it('that an image lacks is told with those it has', () => {
    const offered = [
      of('linux', 's390x'),
      of('linux', 'arm64', 'v8'),
      of('unknown', 'unknown'),
      of('linux', 's390x'),
    ]
    expect(wrongPlatform(amd64, offered)).toMatchObject({
      code: 'IMAGE_PLATFORM',
      message: 'the image is not made for linux/amd64; it is there for linux/arm64/v8, linux/s390x',
      hint: expect.stringContaining('linux/amd64') as string,
    })
    expect(wrongPlatform(amd64, [of('\u001b[31m', 'x')]).message).toContain('??31m/x')
    expect(wrongPlatform(amd64, []).message).toContain('no platform at all')
  })
})
