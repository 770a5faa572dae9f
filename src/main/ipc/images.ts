// SPDX-License-Identifier: Apache-2.0
// Calls about images. Every change of the list is told as `images.changed`.
import type { Engine } from '../engine'
import type { SendEvent } from './events'
import { exportName, exportToFile } from './export-file'
import type { IpcHandlers } from './handle'
import type { Operations } from './operations'

export interface ImagesDeps {
  engine(): Promise<Pick<Engine, 'images' | 'browser'>>
  readonly operations: Operations
  readonly send: SendEvent
  /** The system's dialog; undefined if it was dismissed. */
  chooseImage(kind: 'archive' | 'folder'): Promise<string | undefined>
  /** The same, for a file to be written; it has asked whether to replace one that is there. */
  chooseTarget(title: string, name: string): Promise<string | undefined>
}

const DAY_MS = 24 * 60 * 60 * 1000

type ImagesHandlers = Pick<IpcHandlers, Extract<keyof IpcHandlers, `images.${string}`>>

export function imagesHandlers(deps: ImagesDeps): ImagesHandlers {
  const images = async (): Promise<Engine['images']> => (await deps.engine()).images
  const changed = <T>(value: T): T => {
    deps.send('images.changed', null)
    return value
  }
  return {
    'images.list': async () => (await images()).list(),
    'images.pull': ({ reference, operationId }) =>
      deps.operations.run(operationId, async (context) => {
        const image = await (await images()).pull(reference, context)
        return changed(image.view)
      }),
    'images.import': async ({ operationId, kind }) => {
      const path = await deps.chooseImage(kind)
      if (path === undefined) return null
      return deps.operations.run(operationId, async (context) => {
        const image = await (await images()).importPath(path, context)
        return changed(image.view)
      })
    },
    'images.remove': async ({ reference }) => changed(await (await images()).remove(reference)),
    'images.tag': async ({ reference, name }) =>
      changed((await (await images()).tag(reference, name)).view),
    'images.export': async ({ operationId, reference, format }) => {
      const name = exportName(reference, format)
      const target = await deps.chooseTarget(`Export ${reference}`, name)
      if (target === undefined) return null
      await deps.operations.run(operationId, async (context) =>
        exportToFile(await images(), { reference, format, target }, context),
      )
      return target
    },
    'images.prune': async ({ all, dryRun, unusedForDays }) => {
      const choice = { all, dryRun, unusedForMs: unusedForDays * DAY_MS }
      const report = await (await images()).prune(choice)
      return dryRun ? report : changed(report)
    },
    ...fileHandlers(deps),
  }
}

type FileCalls = Extract<keyof ImagesHandlers, `images.${string}File${string}`>

/** The look into an image. */
function fileHandlers({
  engine,
  operations,
  chooseTarget,
}: ImagesDeps): Pick<ImagesHandlers, FileCalls> {
  const browser = async (): Promise<Engine['browser']> => (await engine()).browser
  return {
    'images.openFiles': ({ reference, operationId }) =>
      operations.run(operationId, async ({ signal }) => (await browser()).open(reference, signal)),
    'images.listFiles': async ({ digest, ...args }) => (await browser()).ask(digest, 'list', args),
    'images.locateFile': async ({ digest, ...args }) =>
      (await (await browser()).ask(digest, 'locate', args)) ?? null,
    'images.seekFile': async ({ digest, ...args }) =>
      (await (await browser()).ask(digest, 'seek', args)) ?? null,
    'images.searchFiles': ({ digest, operationId, ...args }) =>
      operations.run(operationId, async ({ signal }) =>
        (await browser()).ask(digest, 'search', args, signal),
      ),
    'images.readFile': async ({ digest, ...args }) => (await browser()).ask(digest, 'text', args),
    'images.saveFile': async ({ operationId, ...file }) => {
      const name = file.path.slice(file.path.lastIndexOf('/') + 1)
      const target = await chooseTarget('Save a file of the image', name)
      if (target === undefined) return null
      await operations.run(operationId, async (context) =>
        (await browser()).save(file, target, context),
      )
      return target
    },
  }
}
