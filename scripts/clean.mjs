// SPDX-License-Identifier: Apache-2.0
// npm run clean: removes what set-up and the tests made in this clone. `--all` also removes node_modules and the
// per-user cache that all clones share. Machines and images (the data directory) are never touched.
import { rmSync } from 'node:fs'
import { cacheDir, inProject } from './setup/paths.mjs'

const args = process.argv.slice(2)
if (args.some((arg) => arg !== '--all')) {
  console.error('usage: npm run clean [-- --all]')
  process.exit(64)
}
const all = args.includes('--all')
const made = ['out', 'dist', 'runtime', 'test/artifacts', ...(all ? ['node_modules'] : [])]
for (const path of [...made.map(inProject), ...(all ? [cacheDir(process.env)] : [])]) {
  rmSync(path, { recursive: true, force: true })
  console.log(`removed ${path}`)
}
