// SPDX-License-Identifier: Apache-2.0
// Holds the code to the import table of docs/ARCHITECTURE.md, on resolved paths.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const table = readTable(readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8'))
const files = ['src', 'native-runner'].flatMap(listSources)

function readTable(text: string): Map<string, string[]> {
  const section = text.slice(text.indexOf('## Folders, and who may import whom'))
  const rows = [...section.matchAll(/^\| `([^`]+)`\s*\|(.*)\|$/gm)]
  const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((m) => m[1]!)
  return new Map(rows.map((row) => [row[1]!, names(row[2]!)]))
}

function listSources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name))
}

/** Longest row that holds the file. */
function rowOf(file: string): string | undefined {
  return [...table.keys()]
    .filter((row) => file === row || file.startsWith(`${row}/`))
    .toSorted((a, b) => b.length - a.length)[0]
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"\n]+)['"]/g)
  return [...found].map((match) => match[1]!)
}

/** A relative import as a file of the repository; any other as the package it names. */
function target(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  const base = resolve(root, dirname(file), specifier.split('?')[0]!)
  const candidates = [base, `${base}.ts`, `${base}.tsx`, join(base, 'index.ts')]
  const hit = candidates.find((path) => existsSync(path) && statSync(path).isFile())
  expect(hit, `${file} imports ${specifier}, which is no file`).toBeDefined()
  return relative(root, hit!)
}

describe('the architecture', () => {
  it('has a row for every source file', () => {
    expect(table.size).toBeGreaterThan(15)
    expect(files.filter((file) => rowOf(file) === undefined)).toEqual([])
  })

  it('allows every import between folders that there is', () => {
    const forbidden = files.flatMap((file) => {
      const row = rowOf(file)!
      const allowed = new Set([row, ...table.get(row)!])
      return importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => target(file, specifier))
        .filter((path) => !allowed.has(rowOf(path) ?? path))
        .map((path) => `${file} → ${path}`)
    })
    expect(forbidden).toEqual([])
  })

  it('imports electron only where a window is', () => {
    const importers = files.filter((file) => importsOf(file).includes('electron'))
    const strangers = importers.filter((file) => !table.get(rowOf(file)!)!.includes('electron'))
    expect(strangers).toEqual([])
  })

  it('reads window.api in one folder of the renderer only', () => {
    const readers = files.filter(
      (file) =>
        file.startsWith('src/renderer/') &&
        !file.startsWith('src/renderer/api/') &&
        /window\s*\.\s*api\b/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(readers).toEqual([])
  })

  it('loads the addon for libkrun in one module only', () => {
    const loaders = files.filter((file) =>
      /\bcreateRequire\b|\bdlopen\b|\.node['"`]/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(loaders).toEqual(['native-runner/krun/libkrun.ts'])
  })
})
