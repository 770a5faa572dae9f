// SPDX-License-Identifier: Apache-2.0
// The words of `microvm image …`: everything about images that are here.
import { Argument, type Command, Option } from 'commander'
import { exportFormats } from '../../contract/images'
import type { AddCommand, Run } from './program'

const SAVE_EXAMPLES = `
Formats:
  oci      an OCI layout, for skopeo, umoci, podman
  docker   the same, and what docker load reads
  rootfs   only the files, as one tar

Layers come out exactly as they came in, uncompressed: the image keeps its ID.

Example:
  microvm image save debian | docker load`

export function addImageGroup(program: Command, run: Run, addCommand: AddCommand): void {
  const image = program.command('image').description('look into, tidy up and move images')
  const kept = () => import('./image-commands')
  const load = () => import('./stored-image-commands')
  addCommand(image, 'ls', 'list images').action((options) =>
    run(options, async (context) => (await kept()).listImages(context)),
  )
  addCommand(image, 'inspect <name>', 'print all that is known of an image, as JSON').action(
    (name: string, options) =>
      run(options, async (context) => (await load()).inspect(context, name)),
  )
  addCommand(image, 'history <name>', 'list its layers and the commands that made them').action(
    (name: string, options) =>
      run(options, async (context) => (await load()).history(context, name)),
  )
  addCommand(image, 'files <name> [path]', 'list a folder of an image')
    .option('--layer <n>', 'as it is after the layer with this number, from 1 at the bottom')
    .action((name: string, path: string | undefined, options) =>
      run(options, async (context) => (await load()).files(context, name, path ?? '', options)),
    )
  addCommand(image, 'diff <name>', 'list what each layer, or one of them, changed')
    .option('--layer <n>', 'the files that the layer with this number changed')
    .action((name: string, options) =>
      run(options, async (context) => (await load()).diff(context, name, options)),
    )
  addCommand(image, 'rm <names...>', 'remove images').action((names: string[], options) =>
    run(options, async (context) => (await load()).remove(context, names)),
  )
  addCommand(image, 'tag <name> <new-name>', 'give an image one more name').action(
    (name: string, newName: string, options) =>
      run(options, async (context) => (await load()).tag(context, name, newName)),
  )
  addCommand(image, 'prune', 'give back the space of images without a name, and of what pulls left')
    .option('-a, --all', 'also images with a name that no machine needs')
    .option('--unused-for <time>', 'only images not used for so long: 30m, 12h, 7d')
    .option('--dry-run', 'only say what would go')
    .action((options) => run(options, async (context) => (await load()).prune(context, options)))
  addCommand(image, 'save <name>', 'write an image to a file or to standard output, as a tar')
    .option('-o, --output <file>', 'a new file to write to')
    .addOption(
      new Option('--format <format>', 'see below').choices(exportFormats).default('docker'),
    )
    .addHelpText('after', SAVE_EXAMPLES)
    .action((name: string, options) =>
      run(options, async (context) => (await load()).save(context, name, options)),
    )
  addCommand(image, 'load', 'get an image from an archive, as import does')
    .addArgument(new Argument('[file]', 'the archive').default('-', 'standard input'))
    .option('--name <reference>', 'what to call it')
    .action((path: string, options) =>
      run(options, async (context) => (await kept()).importImage(context, path, options)),
    )
}
