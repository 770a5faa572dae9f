// SPDX-License-Identifier: Apache-2.0
// The app inside the Electron that set-up makes for development (scripts/setup/electron-registry.mjs):
// `electron [-r <module>] <folder>` loads the app in <folder>, as Electron's own default app does, which that build
// lacks; -r first requires a module, with which a test driver can hold the app back until it is attached.
// The top-level await matters: Electron holds back its `ready` event until this module has ended.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app as publicApp } from 'electron'

/**
 * The default app sets these too; Electron's types leave them out.
 * @typedef {{ setVersion(v: string): void, setAppPath(p: string): void, setDesktopName(n: string): void }} Setters
 */
const app = /** @type {typeof publicApp & Setters} */ (publicApp)

const words = process.argv.slice(1)
const preloadAt = words.indexOf('-r')
const preload = preloadAt < 0 ? undefined : words.splice(preloadAt, 2)[1]
const folder = words.find((word) => !word.startsWith('-'))
if (folder === undefined) {
  console.error('usage: electron [-r <module>] <app folder> [arguments]')
  process.exit(64)
}
if (preload !== undefined) createRequire(import.meta.url)(resolve(preload))
const appDir = resolve(folder)
const manifest = JSON.parse(readFileSync(join(appDir, 'package.json'), 'utf8'))

Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true })
app.setName(manifest.productName ?? manifest.name)
app.setVersion(manifest.version)
app.setAppPath(appDir)
if (!app.commandLine.hasSwitch('user-data-dir')) {
  app.setPath('userData', join(app.getPath('appData'), app.getName()))
}
if (manifest.desktopName) app.setDesktopName(manifest.desktopName)

const main = createRequire(join(appDir, 'package.json')).resolve(appDir)
await import(pathToFileURL(main).href)
