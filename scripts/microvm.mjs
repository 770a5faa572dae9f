// SPDX-License-Identifier: Apache-2.0
// npm run -s microvm -- …: the `microvm` command of this checkout. Sets up first if anything is missing or out of date
// (said on standard error only), then runs the built command in this very process: standard output is the command's own.
import { pathToFileURL } from 'node:url'
import { runSetUp } from './setup/entry.mjs'
import { inProject } from './setup/paths.mjs'
import { isSetUp } from './setup/set-up.mjs'

if (!isSetUp(process.env)) await runSetUp({ purposes: ['cli'], stream: process.stderr })
// npm runs scripts in the project's folder; relative paths are meant from where the user is.
const { npm_lifecycle_event: script, INIT_CWD: userFolder } = process.env
if (script === 'microvm' && userFolder) process.chdir(userFolder)
const cli = inProject('out/main/cli.js')
process.argv[1] = cli
await import(pathToFileURL(cli).href)
