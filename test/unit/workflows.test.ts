// SPDX-License-Identifier: Apache-2.0
// The workflows run the project's own scripts, with no more rights than they need.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const scripts = Object.keys(
  z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')))
    .scripts,
)

const permissions = z.record(z.string(), z.enum(['read', 'write', 'none']))
const step = z
  .object({ uses: z.string(), run: z.undefined().optional() })
  .or(z.object({ uses: z.undefined().optional(), run: z.string() }))
const job = z.object({
  'runs-on': z.string(),
  needs: z.string().or(z.array(z.string())).optional(),
  permissions: permissions.optional(),
  steps: z.array(step).min(1),
})
const workflow = z.object({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  permissions,
  concurrency: z.object({ group: z.string() }).loose(),
  jobs: z.record(z.string(), job),
})

const folder = '.github/workflows'
const files = readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)

describe.each(files)('%s', (path) => {
  const { jobs, permissions: rights } = workflow.parse(parse(read(path)))
  const steps = Object.values(jobs).flatMap((found) => found.steps)
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : run.split('\n')))

  it('may read the repository and nothing more, unless a job says so', () => {
    expect(rights).toEqual({ contents: 'read' })
    const more = Object.entries(jobs).filter(([, found]) => found.permissions !== undefined)
    expect(more.map(([name]) => name)).toEqual(path.endsWith('release.yml') ? ['draft'] : [])
  })

  it('runs scripts that there are', () => {
    const named = commands.flatMap((line) =>
      [...line.matchAll(/\bnpm run (?:-\S+ )*([\w:-]+)/g)].map((match) => match[1]!),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => !scripts.includes(name))).toEqual([])
    const paths = commands.flatMap((line) => [...line.matchAll(/(?:^|\s)(\.?\w+\/[\w./-]+)/g)])
    const own = paths.map((match) => match[1]!).filter((file) => /^(\.ci|scripts)\//.test(file))
    expect(own.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it('uses each action at a version', () => {
    const used = steps.flatMap(({ uses }) => (uses === undefined ? [] : [uses]))
    expect(used.length).toBeGreaterThan(0)
    expect(used.filter((name) => !/^[\w-]+\/[\w/-]+@(v\d+|[0-9a-f]{40})$/.test(name))).toEqual([])
  })

  it('waits for jobs that there are', () => {
    const needs = Object.values(jobs).flatMap((found) => found.needs ?? [])
    expect(needs.filter((name) => !(name in jobs))).toEqual([])
  })
})

describe('docs/CI.md', () => {
  it('tells of no script that is not there', () => {
    const told = [...read('docs/CI.md').matchAll(/`npm (?:run )?([\w:-]+)/g)].map((m) => m[1]!)
    const builtIn = new Set(['start', 'test', 'ci'])
    expect(told.length).toBeGreaterThan(15)
    expect(told.filter((name) => !scripts.includes(name) && !builtIn.has(name))).toEqual([])
  })
})

describe('the builder’s Containerfile', () => {
  const lines = read('scripts/native-builder/Containerfile')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

  it('has only instructions there are, from a base that can be chosen', () => {
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['ARG', 'FROM', 'RUN', 'WORKDIR'])
    expect(lines[0]).toMatch(/^ARG BASE=[\w.-]+:[\w.-]+$/)
    expect(lines[1]).toBe('FROM ${BASE}')
  })

  it('copies nothing of the project in', () => {
    expect(lines.filter((line) => /^(COPY|ADD)\b/.test(line))).toEqual([])
  })
})
