// SPDX-License-Identifier: Apache-2.0
// Calls about images. Every change of the list is told as `images.changed`.
import type { Engine } from '../engine'
import type { SendEvent } from './events'
import type { IpcHandlers } from './handle'
import type { Operations } from './operations'

export interface ImagesDeps {
  engine(): Promise<Pick<Engine, 'images'>>
  readonly operations: Operations
  readonly send: SendEvent
  /** The system's dialog; undefined if it was dismissed. */
  chooseImage(kind: 'archive' | 'folder'): Promise<string | undefined>
}

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
  }
}
