// SPDX-License-Identifier: Apache-2.0
// A real Debian of five layers from a real registry: what the guest sees is what umoci unpacks.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCli, type Cli } from '../support/cli'
import { debianImage, type DebianImage } from '../support/debian-image'
import { listingDifferences } from '../support/listing-differences'
import { startRegistry, type Registry } from '../support/registry'

let cli: Cli
let registry: Registry
let image: DebianImage
let reference: string
beforeAll(async () => {
  cli = await makeCli()
  registry = await startRegistry()
  image = await debianImage()
  reference = await registry.push(image.layout, 'debian', 'test/debian:five')
}, 300_000)
afterAll(async () => {
  await cli?.dispose()
  await registry?.stop()
})

describe('an image pulled from a registry', () => {
  it('is pulled with progress for people on standard error', async () => {
    const result = await cli.run(['pull', reference])
    expect(result.code).toBe(0)
    expect(result.stderr).toMatch(/layer/i)
    const images = await cli.json<{ reference: string; layers: unknown[] }[]>(['images'])
    const pulled = images.find((one) => one.reference === reference)
    expect(pulled?.layers).toHaveLength(5)
  })

  it('is the very same tree in the guest: owners, modes, times, links, devices, attributes, content', async () => {
    await cli.ok(['run', '--detach', '--memory', '1G', '--name', 'debian', reference])
    const script = await readFile(join(import.meta.dirname, '../support/listing.sh'), 'utf8')
    const listing = await cli.ok(['shell', 'debian'], { stdin: script })
    expect(listingDifferences(image.expectedListing, listing)).toEqual([])
  })

  it('starts commands in its folder with its environment', async () => {
    const stdout = await cli.ok(['exec', 'debian', '--', 'sh', '-c', 'pwd; echo $COLOUR'])
    expect(stdout).toBe('/opt\nblue\n')
  })

  it('honours the setuid bit and a file’s capabilities', async () => {
    const script =
      'cp /usr/bin/id /root/id-root && chmod 4755 /root/id-root && chmod 755 /root && setpriv --reuid 1000 --regid 1000 --clear-groups /root/id-root -u'
    expect(await cli.ok(['exec', 'debian', '--', 'sh', '-c', script])).toBe('0\n')
    const caps = await cli.ok(['exec', 'debian', '--', 'getcap', '/opt/capable'])
    expect(caps).toMatch(/cap_setuid,cap_net_raw=ep|cap_net_raw,cap_setuid=ep/)
  })
})
