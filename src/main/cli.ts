// SPDX-License-Identifier: Apache-2.0
// The `microvm` command. Starts lean: the engine is loaded by the commands that need it.
import { homedir } from 'node:os'
import { runCli } from './cli/program'

const exitCode = await runCli(process.argv.slice(2), process, async () => {
  const [{ createEngine }, { defaultDataDir }, { runtimeDir }, { createLogger, silentLogger }] =
    await Promise.all([
      import('./engine'),
      import('./lib/data-paths'),
      import('./lib/runtime-dir'),
      import('./lib/logger'),
    ])
  const { env } = process
  const write = (line: string): boolean => process.stderr.write(line)
  return createEngine({
    dataDir: defaultDataDir(env, process.platform, homedir()),
    runtimeDir: runtimeDir(env),
    env,
    logger: env['MICROVM_DEBUG'] ? createLogger({ write, level: 'debug' }) : silentLogger,
  })
})

// A reader that went away is no failure of ours, and nothing more can be said to it.
process.stdout.on('error', () => process.exit(exitCode))
// Not before everything is written; nor later, when stdin would still keep the process.
process.stdout.write('', () => process.exit(exitCode))
