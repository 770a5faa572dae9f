// SPDX-License-Identifier: Apache-2.0
// Builds the app. Three bundles: everything that runs in Node (app, CLI, runner, krun-vmm, threads;
// they share chunks), the sandboxed preload (CommonJS, as Electron demands), the renderer.
import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

const at = (path: string): string => resolve(import.meta.dirname, path)

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      // Bundled and shaken, these cost every process and thread we start half as much time to load.
      externalizeDeps: { exclude: ['undici', 'vscode-jsonrpc', 'zod'] },
      rolldownOptions: {
        input: {
          index: at('src/main/index.ts'),
          cli: at('src/main/cli.ts'),
          engine: at('src/main/engine.ts'),
          runner: at('native-runner/runner/main.ts'),
          'krun-vmm': at('native-runner/krun/main.ts'),
          'layer-worker': at('src/main/image/layers/layer-worker.ts'),
          'disk-worker': at('src/main/run/disk-worker.ts'),
          'disk-image-worker': at('src/main/image/disk/disk-image-worker.ts'),
          'browse-worker': at('src/main/image/browse/browse-worker.ts'),
        },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      rolldownOptions: {
        input: { index: at('src/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: at('src/renderer'),
    plugins: [react()],
    build: {
      outDir: at('out/renderer'),
      rolldownOptions: { input: { index: at('src/renderer/index.html') } },
    },
  },
})
