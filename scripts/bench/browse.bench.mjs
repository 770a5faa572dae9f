// SPDX-License-Identifier: Apache-2.0
// How smooth long lists are: frames of the real app while it scrolls through 200,000 files of an image, 500 images
// and 200 machines, all made here. Everything a frame takes is in its time, also what other processes take.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inProject } from '../setup/paths.mjs'
import { launchDriven } from '../window/launch-driven.mjs'
import { openVirtualDisplay } from '../window/virtual-display.mjs'

const FILES = 200_000
const FOLDERS = 20
const IMAGES = 500
const MACHINES = 200
const SCROLL_MS = 4000

const scratch = await mkdtemp(join(tmpdir(), 'microvm-bench-'))
const dataDir = join(scratch, 'data')
const display = await openVirtualDisplay({ size: '1440x900' })
const env = { ...process.env, ...display.env, MICROVM_DATA_DIR: dataDir }
try {
  await fill()
  const app = await launchDriven({ env, timeoutMs: 60_000 })
  try {
    await measure(await app.firstWindow())
  } finally {
    await app.close()
  }
} finally {
  await display.close()
  await rm(scratch, { recursive: true, force: true })
}

/** One image of many files, under many names, and machines that have never run. */
async function fill() {
  const rootfs = join(scratch, 'image')
  await mkdir(rootfs)
  for (let folder = 0; folder < FOLDERS; folder++) {
    const dir = join(rootfs, `folder-${String(folder).padStart(2, '0')}`)
    await mkdir(dir)
    for (let file = 0; file < FILES / FOLDERS; file += 500) {
      const names = Array.from({ length: 500 }, (_, index) => `file-${file + index}`)
      // Links need no content and no space.
      await Promise.all(names.map((name) => symlink('/dev/null', join(dir, name))))
    }
  }
  const archive = join(scratch, 'image.tar')
  makeArchive(rootfs, archive)
  const { createEngine } = await import(pathToFileURL(inProject('out/main/engine.js')).href)
  const engine = await createEngine({ dataDir, env: process.env })
  await engine.images.importPath(archive, { reference: 'bench/files:0' })
  for (let index = 1; index < IMAGES; index++)
    await engine.images.tag('bench/files:0', `bench/files:${index}`)
  for (let index = 0; index < MACHINES; index++)
    await engine.machines.create({ name: `machine-${index}`, image: 'bench/files:0' })
  await engine.close()
}

/** As `docker save` writes it: one layer. @param {string} rootfs @param {string} archive */
function makeArchive(rootfs, archive) {
  const layout = join(scratch, 'layout')
  const program = `
    set -e
    mkdir -p "$2"
    tar -C "$1" --sort=name -cf "$2/layer.tar" .
    diff=$(sha256sum "$2/layer.tar" | cut -d' ' -f1)
    arch=$([ "$(uname -m)" = x86_64 ] && echo amd64 || echo arm64)
    printf '{"os":"linux","architecture":"%s","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' $arch $diff > "$2/config.json"
    printf '[{"Config":"config.json","RepoTags":["bench/files:0"],"Layers":["layer.tar"]}]' > "$2/manifest.json"
    tar -C "$2" -cf "$3" manifest.json config.json layer.tar`
  execFileSync('bash', ['-c', program, 'bash', rootfs, layout, archive])
}

/** @param {import('playwright-core').Page} page */
async function measure(page) {
  await page.waitForSelector('html[data-ready]', { state: 'attached' })
  await page
    .getByRole('row', { name: /machine-0/ })
    .first()
    .waitFor()
  await report(page, `${MACHINES} machines`, '.machines .table-body')
  await page.getByRole('button', { name: 'Images', exact: true }).click()
  await page.getByTestId('image-bench/files:1').waitFor()
  await report(page, `${IMAGES} images`, '.images .table-body')
  await page.evaluate(() => (location.hash = '#/images/bench%2Ffiles%3A1'))
  const opened = performance.now()
  await page.getByRole('row', { name: /^folder-00/ }).waitFor()
  console.log(`  opening the image of ${FILES} files: ${Math.round(performance.now() - opened)} ms`)
  await page.getByTestId('file-list').focus()
  // From the last one up: those above are closed, so that each is as many rows down as it is folders.
  for (let folder = FOLDERS - 1; folder >= 0; folder--) {
    await page.keyboard.press('Home')
    for (let down = 0; down < folder; down++) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await page.locator(`.file-row[aria-expanded=true]`).first().waitFor()
  }
  await page.keyboard.press('Home')
  await report(page, `${FILES} files`, '.file-list .table-body')
}

/**
 * Scrolls from the top to the end at an even speed and prints how long frames took.
 * @param {import('playwright-core').Page} page @param {string} name @param {string} selector
 */
async function report(page, name, selector) {
  const { frames, rows } = await page.evaluate(scrollThrough, { selector, ms: SCROLL_MS })
  const sorted = frames.toSorted((a, b) => a - b)
  const at = (/** @type {number} */ part) =>
    (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1)
  const late = frames.filter((frame) => frame > 25).length
  console.log(
    `  ${name.padEnd(16)} ${frames.length} frames in ${SCROLL_MS} ms · median ${at(0.5)} ms, 95 % ${at(0.95)} ms, ` +
      `99 % ${at(0.99)} ms · ${late} late · ${Math.round(rows)} px`,
  )
}

/** Runs in the page. @param {{ selector: string, ms: number }} options */
function scrollThrough({ selector, ms }) {
  const list = document.querySelector(selector)
  if (list === null) throw new Error(`no ${selector}`)
  const length = list.scrollHeight - list.clientHeight
  return new Promise((/** @type {(result: { frames: number[], rows: number }) => void} */ done) => {
    /** @type {number[]} */
    const frames = []
    let start = 0
    let last = 0
    const step = (/** @type {number} */ now) => {
      if (start === 0) start = now
      else frames.push(now - last)
      last = now
      list.scrollTop = (length * (now - start)) / ms
      if (now - start < ms) requestAnimationFrame(step)
      else done({ frames, rows: length })
    }
    requestAnimationFrame(step)
  })
}
