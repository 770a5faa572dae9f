// SPDX-License-Identifier: Apache-2.0
// node scripts/package/make-icons.mjs: draws assets/icons/<n>x<n>.png and assets/icon.icns from assets/icon.svg. Needs
// rsvg-convert (Debian: librsvg2-bin). The results are part of the repository: run it when the drawing changes.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { command } from '../setup/command.mjs'
import { inProject } from '../setup/paths.mjs'

const sizes = [16, 32, 48, 64, 128, 256, 512, 1024]
/** Types of an .icns whose content is a PNG of that many pixels (Apple's list, as told by iconutil). */
const icnsTypes = /** @type {const} */ ([
  ...[
    ['icp4', 16],
    ['icp5', 32],
    ['ic07', 128],
    ['ic08', 256],
    ['ic09', 512],
    ['ic10', 1024],
  ],
  ...[
    ['ic11', 32],
    ['ic12', 64],
    ['ic13', 256],
    ['ic14', 512],
  ],
])

const folder = inProject('assets/icons')
/** @param {number | string | undefined} size */
const png = (size) => `${folder}/${size}x${size}.png`

await mkdir(folder, { recursive: true })
for (const size of sizes) {
  const pixels = ['--width', `${size}`, '--height', `${size}`]
  await command('rsvg-convert', [...pixels, '--output', png(size), inProject('assets/icon.svg')])
}
const parts = await Promise.all(
  icnsTypes.map(async ([type, size]) => part(type, await readFile(png(size)))),
)
await writeFile(inProject('assets/icon.icns'), part('icns', Buffer.concat(parts)))

/** Type, length of all of it (both 4 bytes), content. @param {string} type @param {Buffer} content */
function part(type, content) {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32BE(8 + content.length, 4)
  return Buffer.concat([head, content])
}
