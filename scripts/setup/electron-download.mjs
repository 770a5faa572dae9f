// SPDX-License-Identifier: Apache-2.0
// node electron-download.mjs DIR: fetches and unpacks the binary of the `electron` in package.json into DIR.
// A process of its own, so that a stalled download can be killed: it prints a dot whenever a byte has
// arrived. The checksums are those that the npm package carries.
import { createRequire } from 'node:module'
import { inProject } from './paths.mjs'

// What electron's own install script uses, seen from where that script stands.
const electronRequire = createRequire(inProject('node_modules/electron/install.js'))
const { downloadArtifact } = electronRequire('@electron/get')
const extract = electronRequire('extract-zip')

const dir = process.argv[2]
const alive = () => void process.stdout.write('.')
const zip = await downloadArtifact({
  version: electronRequire('./package.json').version,
  artifactName: 'electron',
  platform: process.platform,
  arch: process.arch,
  checksums: electronRequire('./checksums.json'),
  downloadOptions: { quiet: true, getProgressCallback: async () => alive() },
})
await extract(zip, { dir, onEntry: alive })
