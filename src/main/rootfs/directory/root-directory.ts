// SPDX-License-Identifier: Apache-2.0
// A machine's root directory, for a guest that gets its root by virtio-fs: the image's tree, which the guest
// writes into, and /.microvm, which is made anew for each start. It is either whole or not there.
//
// Where the file system shares blocks between copies, the tree is written once per image and cloned for
// each machine. Elsewhere a clone would be one more copy, so each machine's is written from the layers.
//
// The guest is hostile and could have put anything into its directory, links that lead out of it above all. So
// nothing in it is ever opened here: what must be ours is made beside it and moved in by one rename.
import { chmod, lstat, mkdir, readFile, realpath, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MicrovmError } from '../../../contract/errors'
import type { FsNode, FsTree } from '../../image/tree/fs-tree'
import { syncFolder, writeFileAtomic } from '../../lib/atomic-file'
import { withFileLock } from '../../lib/file-lock'
import type { Logger } from '../../lib/logger'
import { removeTree } from '../../lib/remove-tree'
import { inlineTree, type InlineEntry } from '../erofs/inline-image'
import { canReflink } from '../reflink'
import { clonedContent, layerContent, memoryContent } from './content'
import { materialise } from './materialise'

/** Goes up whenever the same tree would give another directory. */
const FORMAT_VERSION = 1
const TREE_DIR = 'tree'
/** Written last: names the layers' data files, so that whoever removes one finds what was made of it. */
const LAYERS_FILE = 'layers'
const BUNDLE = '.microvm'
/** Read by libkrun's own init from the root; an image's must not give it orders. */
const KRUN_CONFIG = '.krun_config.json'

export interface RootDirectoryDeps {
  /** Holds one folder per image; made if missing. */
  readonly imagesDir: string
  readonly logger: Logger
  /** Whether clones can be had between two folders; tried unless given. */
  readonly canClone?: (fromDir: string, toDir: string) => Promise<boolean>
}

/**
 * Makes a machine's root directory if it has none.
 * @param target absolute; its parent is the machine's own folder
 * @param key names the tree: a hash of all that it is made from
 * @param makeTree called only if a tree is needed
 * @throws IMAGE_INVALID for what this host's file system cannot hold, STATE_CORRUPT for damaged layers,
 *   DISK_FULL, CANCELLED; nothing is there then
 */
export async function ensureRootDirectory(
  deps: RootDirectoryDeps,
  target: string,
  key: string,
  makeTree: () => Promise<FsTree>,
  signal?: AbortSignal,
): Promise<void> {
  const { imagesDir, logger, canClone = canReflink } = deps
  const found = await lstat(target).catch(undefinedIfMissing)
  if (found?.isDirectory()) return
  if (found !== undefined)
    throw new MicrovmError('STATE_CORRUPT', `${target} is no folder`, {
      hint: 'Remove it, and the machine starts with a fresh one.',
    })
  try {
    await mkdir(imagesDir, { recursive: true, mode: 0o700 })
    const tree = withoutOurNames(await makeTree())
    const started = performance.now()
    const clones = await canClone(imagesDir, dirname(target))
    const aside = `${target}.new`
    await removeTree(aside)
    const content = clones
      ? clonedContent(await ensureBase(imagesDir, key, tree, signal))
      : await layerContent(tree)
    try {
      tell(logger, await materialise(tree.root, aside, { content, signal }))
    } catch (error) {
      await removeTree(aside)
      throw error
    } finally {
      await content.close()
    }
    await rename(aside, target)
    await syncFolder(dirname(target))
    logger.info('root directory made', {
      clones,
      milliseconds: Math.round(performance.now() - started),
    })
  } catch (error) {
    throw MicrovmError.inContext('make the root directory', error)
  }
}

/**
 * Puts the guest bundle and the config of this start into a root directory, in place of whatever is there by
 * their names. The machine must not run.
 * @param bundle a tree that holds nothing but /.microvm
 * @param config files of the config drive, which become /.microvm/config
 */
export async function renewBundle(
  target: string,
  bundle: FsTree,
  config: readonly InlineEntry[],
  signal?: AbortSignal,
): Promise<void> {
  const aside = `${target}${BUNDLE}`
  const content = await layerContent(bundle)
  try {
    await removeTree(aside)
    const { root, contents } = inlineTree(config)
    await materialise(bundleOf(bundle), aside, { content, signal })
    await materialise(root, join(aside, 'config'), { content: memoryContent(contents), signal })
    // The guest may have taken our own rights to the directory away.
    await chmod(target, ((await lstat(target)).mode & 0o7777) | 0o700)
    for (const name of [BUNDLE, KRUN_CONFIG]) await removeTree(join(target, name))
    await rename(aside, join(target, BUNDLE))
  } catch (error) {
    await removeTree(aside)
    throw MicrovmError.inContext('put the guest bundle into the root directory', error)
  } finally {
    await content.close()
  }
}

/** @returns the folder with the tree */
async function ensureBase(
  imagesDir: string,
  key: string,
  tree: FsTree,
  signal: AbortSignal | undefined,
): Promise<string> {
  const folder = join(await realpath(imagesDir), `${key}.v${FORMAT_VERSION}`)
  const lock = join(imagesDir, '.lock')
  await withFileLock(
    lock,
    async () => {
      if (await isWhole(folder)) return
      // Only the holder of the lock makes one: what lies there is a dead process's.
      await removeTree(folder)
      await mkdir(folder, { mode: 0o700 })
      const content = await layerContent(tree)
      try {
        await materialise(tree.root, join(folder, TREE_DIR), { content, signal })
        const names = tree.layers.map(({ dataPath }) => `${dataPath}\n`)
        await writeFileAtomic(join(folder, LAYERS_FILE), names.join(''))
      } catch (error) {
        await removeTree(folder)
        throw error
      } finally {
        await content.close()
      }
    },
    signal === undefined ? {} : { signal },
  )
  return join(folder, TREE_DIR)
}

async function isWhole(folder: string): Promise<boolean> {
  const layers = await readFile(join(folder, LAYERS_FILE)).catch(undefinedIfMissing)
  return layers !== undefined
}

/** The names by which host and guest find each other are ours alone. */
function withoutOurNames({ root, layers }: FsTree): FsTree {
  const children = new Map(root.children)
  for (const name of [BUNDLE, KRUN_CONFIG]) children.delete(name)
  return { root: { ...root, children }, layers }
}

function bundleOf({ root }: FsTree): FsNode {
  const bundle = root.children.get(BUNDLE)
  if (bundle?.type === 'directory') return bundle
  throw new MicrovmError('INTERNAL', `the guest bundle has no ${BUNDLE}`)
}

function tell(logger: Logger, dropped: ReadonlySet<string>): void {
  if (dropped.size > 0)
    logger.warn('extended attributes that this host cannot hold were left out', {
      names: [...dropped].slice(0, 10),
    })
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}
