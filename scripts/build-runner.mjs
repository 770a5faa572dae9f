// SPDX-License-Identifier: Apache-2.0
// npm run build:runner: builds the native parts for Linux (addon, runtime, firmware) in a builder container, with podman or
// docker, into this checkout's out/native and runtime/, as a Debian 12 would. `-- --platform linux-arm64` cross-builds
// runtime and firmware; `--base IMAGE` takes another base than scripts/native-builder/Containerfile names; `--print` only
// says what it would run. The packages in node_modules are this computer's: run `npm ci --ignore-scripts` before.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { platformOf } from './parts/platforms.mjs'
import { tryCommand } from './setup/command.mjs'
import { cacheDir, inProject, projectDir } from './setup/paths.mjs'
import { SetupProblem } from './setup/problem.mjs'

const IMAGE = 'microvm-native-builder'

/**
 * What is run, in order.
 * @param {string} engine podman or docker
 * @param {{ platform: string, base: string | undefined, cache: string, user: number }} options
 * @returns {string[][]}
 */
function commands(engine, { platform, base, cache, user }) {
  const { arch } = platformOf(platform)
  const own = arch === process.arch
  const parts = `node scripts/fetch-parts.mjs runtime firmware --platform ${platform}`
  const steps = [...(own ? ['node scripts/native/build.mjs'] : []), parts]
  // What rootless podman calls root is the user; docker's is root, whose files nobody else could remove.
  const owner = engine === 'docker' && user !== 0 ? ['--user', `${user}`] : []
  return [
    [
      ...[engine, 'build', '--tag', IMAGE, ...(base ? ['--build-arg', `BASE=${base}`] : [])],
      inProject('scripts/native-builder'),
      ...['--file', inProject('scripts/native-builder/Containerfile')],
    ],
    [
      ...[engine, 'run', '--rm', ...owner, '--volume', `${projectDir}:/project`],
      ...['--volume', `${cache}:/cache`, '--env', 'MICROVM_CACHE_DIR=/cache', '--env', 'HOME=/tmp'],
      ...['--workdir', '/project', IMAGE, 'sh', '-ec', steps.join('\n')],
    ],
  ]
}

async function findEngine() {
  for (const engine of ['podman', 'docker']) {
    const { code } = await tryCommand(engine, ['info'], { timeoutMs: 20_000 })
    if (code === 0) return engine
  }
  const remedy = 'Install podman, or start docker. Without: npm run setup builds on this computer.'
  throw new SetupProblem('build:runner', 'neither podman nor docker works here.', remedy)
}

const { values } = parseArgs({
  options: {
    platform: { type: 'string', default: `linux-${process.arch}` },
    base: { type: 'string' },
    print: { type: 'boolean', default: false },
  },
})
try {
  const engine = values.print ? 'podman' : await findEngine()
  const cache = cacheDir(process.env)
  const { platform, base } = values
  for (const [program = '', ...args] of commands(engine, {
    ...{ platform, base, cache, user: process.getuid?.() ?? 0 },
  })) {
    console.log([program, ...args].map((word) => JSON.stringify(word)).join(' '))
    if (values.print) continue
    const child = spawn(program, args, { stdio: 'inherit' })
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${program} ${args[0]} ended with code ${code}`)
  }
} catch (error) {
  console.error(SetupProblem.of('build:runner', error).toString())
  process.exit(1)
}
