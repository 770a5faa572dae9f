// SPDX-License-Identifier: Apache-2.0
// electron-builder's afterPack: the package's files are all there, nothing is signed or archived yet. The order matters:
// a fuse changes the binary, so it is set before the signature.
import { join } from 'node:path'
import { checkFuses, setFuses } from './fuses.mjs'
import { addVmmHelper } from './mac-vmm-helper.mjs'
import { notarise } from './notarise.mjs'
import { inProject } from '../setup/paths.mjs'
import { signApp } from './sign-mac.mjs'

/** @param {import('electron-builder').AfterPackContext} context */
export default async function afterPack({ appOutDir, electronPlatformName, packager }) {
  const mac = electronPlatformName === 'darwin'
  const product = packager.appInfo.productFilename
  const app = join(appOutDir, mac ? `${product}.app` : executableNameOf(packager))
  const say = (/** @type {string} */ line) => console.log(`  • ${line}`)
  if (mac) await addVmmHelper(app)
  await setFuses(app)
  await checkFuses(app)
  if (!mac) return
  if (process.platform !== 'darwin') {
    say('signing skipped: only a Mac has codesign')
    return
  }
  const signed = await signApp(app, {
    identity: process.env['MICROVM_SIGN_IDENTITY'],
    entitlements: {
      app: inProject('assets/entitlements.app.plist'),
      vmm: inProject('assets/entitlements.plist'),
    },
    say,
  })
  await notarise(app, { signed, env: process.env, say })
}

/** @param {object} packager a LinuxPackager */
function executableNameOf(packager) {
  if ('executableName' in packager && typeof packager.executableName === 'string') {
    return packager.executableName
  }
  throw new Error('packages are for Linux and macOS')
}
