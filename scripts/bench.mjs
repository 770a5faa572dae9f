// SPDX-License-Identifier: Apache-2.0
// npm run bench: sets up, then runs every benchmark in scripts/bench, or those named: `npm run bench -- launch`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { runSetUp } from './setup/entry.mjs'
import { inProject } from './setup/paths.mjs'

const dir = inProject('scripts/bench')
const present = existsSync(dir) ? readdirSync(dir) : []
const known = present
  .filter((file) => file.endsWith('.bench.mjs'))
  .map((file) => file.slice(0, -10))
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0 || known.length === 0) {
  console.error(
    `no such benchmark: ${unknown.join(', ')}; there are: ${known.join(', ') || 'none'}`,
  )
  process.exit(64)
}
const names = wanted.length > 0 ? wanted : known
// Only pulling needs the other tools that the tests need, too.
const other = names.includes('pull') ? /** @type {const} */ (['tests']) : []
await runSetUp({ purposes: ['cli', 'app', 'headless', ...other], stream: process.stderr })
for (const name of names) {
  const { status } = spawnSync(process.execPath, [`${dir}/${name}.bench.mjs`], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
