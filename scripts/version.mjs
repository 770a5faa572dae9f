// SPDX-License-Identifier: Apache-2.0
// npm run version: this checkout's version and commit, and the versions of the native parts that were fetched.
import { readFileSync } from 'node:fs'
import { readManifest } from './parts/assemble.mjs'
import { platformOf } from './parts/platforms.mjs'
import { tryCommand } from './setup/command.mjs'
import { inProject, projectDir, runtimeDirOf } from './setup/paths.mjs'

const { version } = JSON.parse(readFileSync(inProject('package.json'), 'utf8'))
const described = await tryCommand('git', ['describe', '--always', '--dirty'], { cwd: projectDir })
const commit = described.code === 0 ? ` (${described.stdout.trim()})` : ''
console.log(`MicroVM Desktop ${version}${commit}, Node ${process.versions.node}`)
const { parts } = readManifest(runtimeDirOf(platformOf().name))
const packages = Object.values(parts).flatMap((part) => part.packages)
const versions = new Map(packages.map((item) => [item.name, item.version]))
for (const [name, installed] of versions) console.log(`  ${name} ${installed}`)
