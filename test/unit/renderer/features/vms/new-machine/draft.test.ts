// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  emptyDraft,
  judgeDraft,
  parseEnv,
  type Draft,
  type DraftErrors,
} from '../../../../../../src/renderer/features/vms/new-machine/draft'
import type { VmSpecInput } from '../../../../../../src/contract/vm-spec'

const host = { cores: 4, memoryMib: 8192, diskFreeMib: 100_000 }
const context = { host, takenNames: ['db'], takenHostPorts: [5432] }
const draft = (patch: Partial<Draft>): Draft => ({
  ...emptyDraft,
  image: 'starter',
  name: 'web',
  ...patch,
})
const port = (hostPort: string, guest: string) => ({ id: guest, host: hostPort, guest })

function specOf(patch: Partial<Draft>): VmSpecInput {
  const judged = judgeDraft(draft(patch), context)
  if (!judged.ok) throw new Error(JSON.stringify(judged.errors))
  return judged.spec
}

function errorsOf(patch: Partial<Draft>): DraftErrors {
  const judged = judgeDraft(draft(patch), context)
  return judged.ok ? {} : judged.errors
}

describe('a draft that is right', () => {
  it('becomes a spec without what the user left alone', () => {
    const spec = specOf({ image: ' debian:bookworm ', user: ' ', workdir: '' })
    expect(spec).toMatchObject({ image: 'debian:bookworm', name: 'web', cpus: 1 })
    expect(Object.keys(spec)).not.toEqual(expect.arrayContaining(['command']))
    expect(spec).not.toHaveProperty('user')
    expect(spec).not.toHaveProperty('workdir')
    expect(spec).not.toHaveProperty('backend')
    expect(specOf({ backend: 'qemu' }).backend).toBe('qemu')
  })

  it('splits the command into words, and means none by idle', () => {
    expect(specOf({ command: `sh -c 'a b'` }).command).toEqual(['sh', '-c', 'a b'])
    expect(specOf({ command: 'ignored', idle: true }).command).toEqual([])
  })

  it('names the folders it shares', () => {
    const mounts = [{ id: '1', hostPath: '/home/me/my work', guestPath: ' /work ', readOnly: true }]
    expect(specOf({ mounts }).mounts).toEqual([
      { hostPath: '/home/me/my work', guestPath: '/work', readOnly: true },
    ])
  })

  it('names the disks it has, with the checksum of a download', () => {
    const disk = { id: '1', guestPath: ' ', readOnly: true }
    const hex = 'ab'.repeat(32)
    const disks = [
      { ...disk, source: '/srv/a#sha256=1', isFile: true },
      { ...disk, source: ` https://example.org/x#sha256=${hex}`, isFile: false, guestPath: ' /x ' },
    ]
    expect(specOf({ disks }).disks).toEqual([
      { source: '/srv/a#sha256=1', readOnly: true },
      { source: 'https://example.org/x', sha256: hex, guestPath: '/x', readOnly: true },
    ])
    const empty = { ...disk, source: '', isFile: false }
    expect(errorsOf({ disks: [empty] })).toHaveProperty(['disks.0.source'])
  })

  it('takes an empty host port as any', () => {
    expect(specOf({ ports: [port('', '80'), port(' 8443', '443')] }).ports).toEqual([
      { host: 0, guest: 80 },
      { host: 8443, guest: 443 },
    ])
  })
})

describe('a draft that is wrong', () => {
  it('says so at the folder that is in the way', () => {
    const at = (...paths: string[]) =>
      errorsOf({
        mounts: paths.map((guestPath) => ({
          id: guestPath,
          hostPath: '/srv',
          guestPath,
          readOnly: false,
        })),
      })
    expect(at('/a', '/proc')).toEqual({ 'mounts.1.guestPath': expect.stringMatching(/system/) })
    expect(at('/a', 'b')['mounts.1.guestPath']).toMatch(/absolute path/)
    expect(at('/a/b', '/a')['mounts.1.guestPath']).toMatch(/lie in one another/)
  })

  it('says what is wrong at the field where it is', () => {
    expect(errorsOf({ name: 'My VM' })['name']).toMatch(/lower-case/)
    expect(errorsOf({ image: ' ' })['image']).toBe('choose an image')
    expect(errorsOf({ memoryMib: 8 })['memoryMib']).toMatch(/^from 64 MB/)
    expect(errorsOf({ diskMib: Number.NaN })['diskMib']).toMatch(/such as “20 GB”/)
    expect(errorsOf({ cpus: 1.5 })['cpus']).toMatch(/whole number/)
    expect(errorsOf({ workdir: 'srv' })['workdir']).toMatch(/absolute/)
    expect(errorsOf({ command: `'open` })['command']).toBe('a quote is not closed')
    expect(errorsOf({ ports: [port('8080', 'x')] })['ports.0.guest']).toMatch(/1 to 65535/)
    expect(errorsOf({ ports: [port('1e3', '80')] })['ports.0.host']).toMatch(/empty for any/)
  })

  it('knows this computer’s limits and what other machines have', () => {
    expect(errorsOf({ cpus: 5 })['cpus']).toBe('this computer has 4 cores')
    expect(errorsOf({ memoryMib: 9000 })['memoryMib']).toBe('this computer has 8 GB')
    expect(errorsOf({ name: 'db' })['name']).toMatch(/another machine/)
    expect(errorsOf({ ports: [port('5432', '80')] })['ports.0.host']).toMatch(/another running/)
    expect(errorsOf({ ports: [port('80', '1'), port('80', '2')] })).toEqual({
      'ports.1.host': 'forwarded twice',
    })
  })

  it('lets any number of forwards share "any port"', () => {
    expect(errorsOf({ ports: [port('', '1'), port('', '2')] })).toEqual({})
  })

  it('tells every error at once', () => {
    expect(Object.keys(errorsOf({ name: '', image: '', env: 'x' })).toSorted()).toEqual([
      'env',
      'image',
      'name',
    ])
  })
})

describe('the environment', () => {
  it('is one NAME=value a line; values keep every character', () => {
    expect(parseEnv('A=1\n\n B= two = 2 \n')).toEqual({ values: { A: '1', B: ' two = 2 ' } })
  })

  it('names the line that is none', () => {
    expect(parseEnv('A=1\nnonsense').error).toBe('“nonsense” is not NAME=value')
    expect(parseEnv('=x').error).toMatch(/not NAME=value/)
    expect(parseEnv('1A=x').error).toMatch(/no variable name/)
  })
})
