// SPDX-License-Identifier: Apache-2.0
// npm run fetch:runtime, npm run fetch:firmware: fetches and makes the native parts of a group into
// runtime/<os>-<arch>. `-- --platform linux-arm64` for another platform than this computer's; `--without NAME` leaves a
// part out; `--archive FILE --sha256 HEX` takes the whole group from an archive that `npm run package:…` made.
import { parseArgs } from 'node:util'
import { installArchive } from './parts/archive.mjs'
import { fetchParts } from './parts/fetch.mjs'
import { platformOf } from './parts/platforms.mjs'
import { withLock } from './setup/locking.mjs'
import { runtimeDirOf, runtimeLock } from './setup/paths.mjs'
import { SetupProblem } from './setup/problem.mjs'
import { createReport } from './setup/report.mjs'

/** @typedef {import('./parts/parts.mjs').Group} Group */

const usage = `usage: npm run fetch:runtime|fetch:firmware [-- OPTIONS]
  --platform NAME   linux-x64, linux-arm64 or darwin-arm64; this computer's unless given
  --without NAME    leave a part out; may be repeated
  --archive FILE    take the group from an archive made by npm run package:…
  --sha256 HEX      what that archive must be; needed with --archive`

/** @returns {{ groups: Group[], platform?: string, without: string[], archive?: string, sha256?: string }} */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        platform: { type: 'string' },
        without: { type: 'string', multiple: true, default: [] },
        archive: { type: 'string' },
        sha256: { type: 'string' },
      },
    })
    const groups = /** @type {Group[]} */ (positionals)
    const known =
      groups.length > 0 && groups.every((name) => ['runtime', 'firmware'].includes(name))
    if (known && (values.archive === undefined) === (values.sha256 === undefined))
      return { groups, .../** @type {typeof values & { without: string[] }} */ (values) }
  } catch {
    // Said below.
  }
  console.error(usage)
  process.exit(64)
}

const { groups, archive, sha256, without, ...options } = readArguments()
const report = createReport(process.stdout)
try {
  const platform = platformOf(options.platform)
  const work = async () => {
    if (archive === undefined || sha256 === undefined)
      return await fetchParts({ platform, groups, without, env: process.env, report })
    const dir = runtimeDirOf(platform.name)
    for (const group of groups)
      await installArchive({ file: archive, sha256, group, platform, dir })
  }
  await withLock(runtimeLock, work, { onWait: report.waiting })
} catch (error) {
  console.error(SetupProblem.of(groups.join(', '), error).toString())
  process.exit(1)
}
