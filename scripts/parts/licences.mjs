// SPDX-License-Identifier: Apache-2.0
// Collects the licences of a group of parts: ours, each Debian package's copyright file, and the licence texts these
// refer to. For the firmware, much of it under the GPL, also where its sources are and the offer of them (GPL-2.0 §3b).
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { makeAtomically } from '../setup/atomic.mjs'
import { inProject } from '../setup/paths.mjs'

/** @typedef {import('./debian-packages.mjs').DebianPackages} DebianPackages */

/** How Debian's copyright files name the texts that every Debian system has. */
const reference = /\/usr\/share\/common-licenses\/[A-Za-z0-9.+-]*[A-Za-z0-9]/g

/**
 * @param {object} options
 * @param {import('./parts.mjs').Group} options.group
 * @param {readonly (keyof DebianPackages)[]} options.names packages that the group's parts are made from
 * @param {DebianPackages | undefined} options.packages undefined if there are none
 * @param {string} options.out folder, replaced whole
 */
export async function writeLicences({ group, names, packages, out }) {
  await makeAtomically(out, async (dir) => {
    await mkdir(join(dir, 'microvm-desktop'), { recursive: true })
    await copyFile(inProject('LICENSE'), join(dir, 'microvm-desktop/LICENSE'))
    if (packages === undefined) return
    const texts = await Promise.all(names.map((name) => copyrightOf(name, packages)))
    for (const [index, name] of names.entries()) {
      await mkdir(join(dir, name))
      await writeFile(join(dir, name, 'copyright'), texts[index] ?? '')
    }
    const common = new Set(texts.join('\n').match(reference))
    await mkdir(join(dir, 'common'))
    for (const path of common)
      await copyFile(join(packages['base-files'].dir, path), join(dir, 'common', basename(path)))
    if (group === 'firmware') await writeFile(join(dir, 'SOURCES.md'), sourceOffer(names, packages))
  })
}

/** @param {keyof DebianPackages} name @param {DebianPackages} packages */
async function copyrightOf(name, packages) {
  // Its folder of documentation is a link to the other package's.
  const owner = name === 'openssh-sftp-server' ? 'openssh-client' : name
  return readFile(join(packages[owner].dir, 'usr/share/doc', owner, 'copyright'), 'utf8')
}

/** @param {readonly (keyof DebianPackages)[]} names @param {DebianPackages} packages */
function sourceOffer(names, packages) {
  const rows = names.map((name) => {
    const { version, suite, source } = packages[name]
    return `- ${name} ${version} (${suite}): source package ${source}\n`
  })
  return `# Sources

These Debian packages are in the firmware, unchanged, as whole programs and libraries or (the kernel) taken out of
the library that carries it. Their copyright files lie in the folders beside this file, the licences in \`common\`.

${rows.join('')}
\`apt-get source <source package>=<version>\` fetches each from Debian; versions that Debian no longer carries are in its
snapshot archive. The source package of libkrunfw holds Linux, its patches and its configuration. What is not Debian's
(init, the starter image's files, the scripts that put it all together) is in the source of MicroVM Desktop, under
native-runner/guest and scripts, licence Apache-2.0.

## Written offer

For three years from the day you received this firmware, whoever gave it to you will give you, or anyone who has this
offer from you, the complete corresponding source of the programs under the GNU GPL and LGPL, on a medium customarily
used for software interchange, for no more than the cost of doing so.
`
}
