// SPDX-License-Identifier: Apache-2.0
// npm run package:runtime, npm run package:firmware: packs a group of native parts, with licences, manifest and checksums,
// into dist/microvm-<group>-<version>-<platform>.tar.gz. `-- --platform linux-arm64` for another platform's, `--without
// NAME` leaves a part out, `--out DIR` puts it elsewhere. The parts must have been fetched before.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packArchive } from './parts/archive.mjs'
import { platformOf } from './parts/platforms.mjs'
import { inProject, runtimeDirOf } from './setup/paths.mjs'
import { SetupProblem } from './setup/problem.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    platform: { type: 'string' },
    without: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: inProject('dist') },
  },
})
const [group] = positionals
if (group !== 'runtime' && group !== 'firmware') {
  console.error('usage: npm run package:runtime|package:firmware [-- --platform NAME] [--out DIR]')
  process.exit(64)
}
try {
  const platform = platformOf(values.platform)
  const { without } = values
  const out = resolve(values.out)
  const dir = runtimeDirOf(platform.name)
  const { path, sha256 } = await packArchive({ group, platform, dir, without, out })
  console.log(`${sha256}  ${path}`)
} catch (error) {
  console.error(SetupProblem.of(`package ${group}`, error).toString())
  process.exit(1)
}
