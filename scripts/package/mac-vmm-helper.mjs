// SPDX-License-Identifier: Apache-2.0
// Adds "<App> Helper (VMM).app" to a macOS bundle: a copy of Electron's plain helper under a name of its own. krun-vmm
// runs in it, so that the hypervisor's entitlements are on that one program and not on the app (docs/MACOS.md).
import { cp, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** @param {string} app path of the .app @returns {Promise<string>} path of the new helper */
export async function addVmmHelper(app) {
  const plain = `${basename(app, '.app')} Helper`
  const name = `${plain} (VMM)`
  const frameworks = join(app, 'Contents', 'Frameworks')
  const helper = join(frameworks, `${name}.app`)
  await cp(join(frameworks, `${plain}.app`), helper, {
    recursive: true,
    verbatimSymlinks: true,
    errorOnExist: true,
    force: false,
  })
  await rename(join(helper, 'Contents/MacOS', plain), join(helper, 'Contents/MacOS', name))
  const listFile = join(helper, 'Contents/Info.plist')
  await writeFile(listFile, renameInPropertyList(await readFile(listFile, 'utf8'), name))
  return helper
}

/** @param {string} text Info.plist as XML @param {string} name */
function renameInPropertyList(text, name) {
  const changes = /** @type {const} */ ([
    ['CFBundleExecutable', () => name],
    ['CFBundleName', () => name],
    ['CFBundleDisplayName', () => name],
    ['CFBundleIdentifier', (/** @type {string} */ before) => `${before}.vmm`],
  ])
  return changes.reduce((list, [key, change]) => {
    const entry = new RegExp(`(<key>${key}</key>\\s*<string>)([^<]*)(</string>)`)
    if (!entry.test(list)) throw new Error(`the helper's Info.plist has no ${key}`)
    return list.replace(entry, (_, head, before, tail) => `${head}${change(before)}${tail}`)
  }, text)
}
