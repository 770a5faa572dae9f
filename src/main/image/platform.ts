// SPDX-License-Identifier: Apache-2.0
// Which of an image's platforms this machine runs. Guests are always Linux, of the host's
// architecture (image-spec, image-index.md; names as in Go's GOARCH).
import { MicrovmError } from '../../contract/errors'
import { quote } from './digest'

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
}

const goNames: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** @param arch as `process.arch` has it */
export function guestPlatform(arch: string): Platform {
  return { os: 'linux', architecture: goNames[arch] ?? arch }
}

/**
 * Reads "linux/arm64", "linux/arm64/v8" or "arm64".
 * @throws INVALID_ARGUMENT
 */
export function parsePlatform(text: string): Platform {
  const match = /^(?:(linux)\/)?([a-z0-9]+)(?:\/(v[0-9.]+))?$/.exec(text)
  if (!match)
    throw new MicrovmError('INVALID_ARGUMENT', `${quote(text)} is no platform of a machine here`, {
      hint: 'Machines are Linux: linux/amd64, linux/arm64.',
    })
  const [, , architecture = '', variant] = match
  return { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) }
}

/** "linux/arm64/v8", safe to show. */
export function platformName({ os, architecture, variant }: Platform): string {
  const name = [os, architecture, ...(variant ? [variant] : [])].join('/')
  return name.replace(/[^\w./-]/g, '?').slice(0, 80)
}

/**
 * How well an image's platform fits, smaller is better; undefined if it cannot run. Variants above
 * the architecture's base level (amd64/v3) need processor features the guest may lack, so they come last.
 */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return undefined
  if (wanted.variant !== undefined && offered.variant === wanted.variant) return -1
  const base = wanted.architecture === 'arm64' ? 'v8' : 'v1'
  return !offered.variant || offered.variant === base ? 0 : 1
}

/** @param offered the platforms there are; those that are no platform ("unknown/unknown") are left out of the text */
export function wrongPlatform(wanted: Platform, offered: readonly Platform[]): MicrovmError {
  const known = offered.filter(({ os }) => os !== 'unknown').map(platformName)
  const names = [...new Set(known)].toSorted().slice(0, 20)
  const there = names.length === 0 ? 'no platform at all' : names.join(', ')
  return new MicrovmError(
    'IMAGE_PLATFORM',
    `the image is not made for ${platformName(wanted)}; it is there for ${there}`,
    {
      hint: `This computer runs ${platformName(wanted)} images only. Choose another image, or a tag made for ${wanted.architecture}.`,
    },
  )
}

/**
 * @param name as `platformName` makes it
 * @throws IMAGE_PLATFORM if machines here cannot run it
 */
export function checkRunsHere(name: string, here: Platform): void {
  const [os = '', architecture = ''] = name.split('/')
  if (platformRank(here, { os, architecture }) === undefined)
    throw new MicrovmError(
      'IMAGE_PLATFORM',
      `the image that is here is made for ${name}, this computer runs ${platformName(here)}`,
      { hint: 'Pull it again without --platform.' },
    )
}
