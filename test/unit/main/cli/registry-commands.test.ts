// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../../../src/main/engine'
import { runCli } from '../../../../src/main/cli/program'
import type { FakeGuest } from '../ssh/fake-guest'
import { fakeEngine } from './fake-engine'
import { fakeTerminal } from './fake-terminal'

const engine = fakeEngine(undefined as unknown as FakeGuest, {} as never)

async function microvm(args: string[], { typed = '', interactive = false } = {}) {
  const terminal = fakeTerminal({ interactive })
  if (interactive) terminal.stdin.write(typed)
  else terminal.stdin.end(typed)
  engine.log.length = 0
  const code = await runCli(args, terminal, async (): Promise<Engine> => engine)
  const did = engine.log.filter((line) => line !== 'close')
  return { code, did, out: terminal.out, err: terminal.err, raw: terminal.stdin.raw }
}

describe('microvm login', () => {
  it('takes the password from standard input, without its line end', async () => {
    const args = ['login', 'reg.example:5000', '-u', 'anna', '--password-stdin', '--plain-http']
    const result = await microvm(args, { typed: 'pass word\n' })
    expect(result.did).toEqual(['login reg.example:5000 anna pass word plain'])
    expect(result).toMatchObject({ code: 0, out: 'Signed in to reg.example:5000 as anna\n' })
  })

  it('asks for it without showing it, and gives the terminal back', async () => {
    const result = await microvm(['login', '-u', 'anna'], {
      typed: 'sex\u007Fcret\r',
      interactive: true,
    })
    expect(result.did).toEqual(['login docker.io anna secret'])
    expect(result).toMatchObject({ code: 0, raw: false })
    expect(result.err).toContain('Password: ')
    expect(result.out + result.err).not.toContain('sec')
  })

  it('is left with Ctrl-C', async () => {
    const result = await microvm(['login', '-u', 'anna'], { typed: 'a\u0003', interactive: true })
    expect(result).toMatchObject({ did: [], raw: false })
    expect(result.code).not.toBe(0)
  })

  it.each([[['login', '--password-stdin']], [['login', '-u', 'anna']]])(
    'says what is missing: %j',
    async (args) => {
      expect(await microvm(args)).toMatchObject({ code: 2, did: [] })
    },
  )
})

describe('microvm logout', () => {
  it('says whether there was a login', async () => {
    expect((await microvm(['logout'])).out).toBe('Signed out of docker.io\n')
    expect((await microvm(['logout', 'ghcr.io'])).out).toBe('Nobody was signed in to ghcr.io\n')
  })
})
