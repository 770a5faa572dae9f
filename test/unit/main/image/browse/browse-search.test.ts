// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { readHistory } from '../../../../../src/main/image/browse/browse-history'
import { searchFiles } from '../../../../../src/main/image/browse/browse-search'
import { file, layer } from '../support/make-tree'

const history = await readHistory([
  layer(1, [
    file('etc/nginx/nginx.conf'),
    file('etc/nginx/conf.d/default.conf'),
    file('etc/hosts'),
    file('usr/bin/python3'),
    file('usr/share/doc/README.md'),
    file('old.conf'),
  ]),
  layer(2, [file('.wh.old.conf'), file('srv/app.conf')]),
])

const search = async (query: string, view = {}): Promise<string[]> =>
  (await searchFiles(history, view, query, 100)).matches.map(({ path }) => path)

describe('a search', () => {
  it('finds a part of a path, in either case', async () => {
    expect(await search('BIN/py')).toEqual(['usr/bin/python3'])
    expect(await search('readme')).toEqual(['usr/share/doc/README.md'])
    expect(await search('/etc/h')).toEqual(['etc/hosts'])
    expect(await search(' nginx.conf ')).toEqual(['etc/nginx/nginx.conf'])
    expect(await search('nowhere')).toEqual([])
  })

  it('finds names that fit a pattern', async () => {
    expect(await search('*.conf')).toEqual([
      ...['etc/nginx/conf.d/default.conf', 'etc/nginx/nginx.conf', 'srv/app.conf'],
    ])
    expect(await search('python?')).toEqual(['usr/bin/python3'])
    expect(await search('ho*s')).toEqual(['etc/hosts'])
    expect(await search('*.d')).toEqual(['etc/nginx/conf.d'])
  })

  it('finds whole paths that fit a pattern with a slash', async () => {
    expect(await search('/etc/*')).toEqual(['etc/hosts', 'etc/nginx'])
    expect(await search('etc/**/*.conf')).toEqual([
      ...['etc/nginx/conf.d/default.conf', 'etc/nginx/nginx.conf'],
    ])
    expect(await search('**/conf.d/*')).toEqual(['etc/nginx/conf.d/default.conf'])
  })

  it('looks only at what the view shows', async () => {
    expect(await search('conf', { layer: 1, changesOnly: true })).toEqual([
      ...['old.conf', 'srv/app.conf'],
    ])
    expect(await search('old', { layer: 0 })).toEqual(['old.conf'])
    expect(await search('old')).toEqual([])
  })

  it('says what it found, and of removed files what they were', async () => {
    const { matches } = await searchFiles(history, { layer: 1 }, 'old', 10)
    expect(matches).toMatchObject([{ path: 'old.conf', name: 'old.conf', change: 'removed' }])
  })

  it('ends at its limit and says so', async () => {
    expect(await searchFiles(history, {}, 'conf', 2)).toMatchObject({ complete: false })
    expect((await searchFiles(history, {}, 'conf', 2)).matches).toHaveLength(2)
    expect(await searchFiles(history, {}, 'hosts', 1)).toMatchObject({ complete: true })
  })

  it('is not slowed down by a pattern made to do so', async () => {
    const name = 'a'.repeat(250)
    const one = await readHistory([layer(1, [file(`${name}/${name}`)])])
    const { matches } = await searchFiles(one, {}, `${'*a'.repeat(100)}b`, 10)
    expect(matches).toEqual([])
  })

  it('stops when it is told to', async () => {
    const members = Array.from({ length: 6000 }, (_, index) => file(`f${index}`))
    const large = await readHistory([layer(1, members)])
    await expect(searchFiles(large, {}, 'x', 10, AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    })
  })
})
