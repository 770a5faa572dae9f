// SPDX-License-Identifier: Apache-2.0
// npm run package [-- --dir] [--target NAME]… [--arch x64|arm64] [--out FOLDER]: builds packages for users of this system
// (electron-builder.yml). --dir stops at the unpacked folder. Where Electron's own binary cannot be had, only what
// tests need (the folder and tar.gz) is built, from the registry's Electron, and is called a development build.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { planPackage } from './package/plan.mjs'
import { stageElectron } from './package/stage-electron.mjs'
import { runSetUp } from './setup/entry.mjs'
import { readElectronChoice } from './setup/electron.mjs'
import { inProject } from './setup/paths.mjs'
import { SetupProblem } from './setup/problem.mjs'

const { values: options } = parseArgs({
  options: {
    dir: { type: 'boolean', default: false },
    target: { type: 'string', multiple: true, default: [] },
    arch: { type: 'string', default: process.arch },
    out: { type: 'string' },
  },
})

try {
  // Set-up knows this one system; elsewhere docs/MACOS.md says what comes first.
  if (process.platform === 'linux' && process.arch === 'x64') {
    await runSetUp({ purposes: ['cli', 'app'], stream: process.stdout })
  }
  const electron = await readElectronChoice()
  const plan = planPackage({ options, electron, platform: process.platform, env: process.env })
  const stage = plan.stageElectron ? await stageElectron(plan.stageElectron) : undefined
  try {
    const builder = inProject('node_modules/electron-builder/cli.js')
    const args = [...plan.args, ...(stage ? [`-c.electronDist=${stage.path}`] : [])]
    const child = spawn(process.execPath, [builder, ...args], {
      cwd: inProject('.'),
      env: plan.env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const [code] = await once(child, 'close')
    process.exitCode = code ?? 1
  } finally {
    await stage?.remove()
  }
} catch (error) {
  console.error(SetupProblem.of('package', error).toString())
  process.exitCode = 1
}
