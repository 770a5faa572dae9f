// SPDX-License-Identifier: Apache-2.0
// A vitest reporter: writes the skipped tests with their reasons, `context.skip('reason')`, to MICROVM_SKIPS_FILE.
import { writeFileSync } from 'node:fs'

/** @typedef {{ name: string, reason: string }} Skip */

export default class SkipReporter {
  /** @param {readonly import('vitest/node').TestModule[]} modules */
  onTestRunEnd(modules) {
    const file = process.env['MICROVM_SKIPS_FILE']
    if (!file) return
    /** @type {Skip[]} */
    const skips = []
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result()
        const note = result.state === 'skipped' ? result.note : undefined
        skips.push({ name: test.fullName, reason: note ?? 'no reason given' })
      }
    }
    writeFileSync(file, JSON.stringify(skips))
  }
}
