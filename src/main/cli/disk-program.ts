// SPDX-License-Identifier: Apache-2.0
// The words of `microvm disk …`: disk images beside those of containers.
import type { Command } from 'commander'
import type { AddCommand, Run } from './program'

const PULL_HELP = `
The file may be compressed with gzip, bzip2, xz or zstd; what is in it must be a raw disk.
A download that was broken off is gone on with by the next try.

Example:
  microvm disk pull https://images.example/debian-12.raw.xz --sha256 9f86d0…`

export function addDiskGroup(program: Command, run: Run, addCommand: AddCommand): void {
  const disk = program.command('disk').description('bring and keep disk images for machines')
  const load = () => import('./disk-commands')
  addCommand(disk, 'pull <url>', 'download a disk image, unless it is here')
    .option('--sha256 <hex>', 'checksum of the file, as its publisher gives it')
    .option('--plain-http', 'reach the server without encryption')
    .addHelpText('after', PULL_HELP)
    .action((url: string, options) =>
      run(options, async (context) => (await load()).pull(context, url, options)),
    )
  addCommand(disk, 'import <file>', 'take in a disk image from a file, compressed or not')
    .option('--sha256 <hex>', 'checksum of the file')
    .action((file: string, options) =>
      run(options, async (context) => (await load()).importFile(context, file, options)),
    )
  addCommand(disk, 'ls', 'list disk images').action((options) =>
    run(options, async (context) => (await load()).list(context)),
  )
  addCommand(
    disk,
    'verify <names...>',
    'read disk images and compare them with their digests',
  ).action((names: string[], options) =>
    run(options, async (context) => (await load()).verify(context, names)),
  )
  addCommand(disk, 'rm <names...>', 'remove disk images, by source or digest').action(
    (names: string[], options) =>
      run(options, async (context) => (await load()).remove(context, names)),
  )
}
