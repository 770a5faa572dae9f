// SPDX-License-Identifier: Apache-2.0
// The image store of this checkout as a program (store-process.ts) with its threads beside it.
import { symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'vite'

const project = resolve(import.meta.dirname, '../..')

/** @param folder empty; @returns the script */
export async function bundleStoreProcess(folder: string): Promise<string> {
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  await build({
    configFile: false,
    root: project,
    logLevel: 'error',
    build: {
      ssr: true,
      outDir: join(folder, 'out'),
      target: 'node20',
      minify: false,
      rolldownOptions: {
        input: {
          'store-process': join(project, 'test/support/store-process.ts'),
          'layer-worker': join(project, 'src/main/image/layers/layer-worker.ts'),
        },
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
      },
    },
    // As the app's build: a process starts sooner.
    ssr: { noExternal: ['zod'] },
  })
  return join(folder, 'out', 'store-process.js')
}
