// SPDX-License-Identifier: Apache-2.0
// npm run build:native: builds the addon for libkrun when its sources have changed.
// `-- --sanitize address,undefined --out FILE` builds one for tests, always.
import { parseArgs } from 'node:util'
import { ensureAddon } from '../setup/addon-build.mjs'
import { SetupProblem } from '../setup/problem.mjs'
import { compileAddon } from './compile.mjs'

const { values } = parseArgs({
  options: { sanitize: { type: 'string' }, out: { type: 'string' } },
})
if (values.sanitize !== undefined && values.out === undefined) {
  console.error('usage: npm run build:native [-- --sanitize KINDS --out FILE]')
  process.exit(64)
}
try {
  if (values.out === undefined) {
    const { built } = await ensureAddon()
    console.log(built ? 'built out/native/krun.node' : 'out/native/krun.node is current')
  } else {
    await compileAddon(
      values.out,
      values.sanitize === undefined ? {} : { sanitize: values.sanitize },
    )
    console.log(`built ${values.out}`)
  }
} catch (error) {
  console.error(SetupProblem.of('libkrun addon', error).toString())
  process.exit(1)
}
