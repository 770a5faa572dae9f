// SPDX-License-Identifier: Apache-2.0
// The `microvm` command. Starts lean: the engine is loaded by the commands that need it.
import { homedir } from 'node:os'
import { runCli } from './cli/program'

// A reader that went away (`microvm logs x | head`) is no failure of ours. Sessions act on it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const exitCode = await runCli(process.argv.slice(2), process, async () => {
  const [{ createEngine }, { defaultDataDir }, { createLogger, silentLogger }] = await Promise.all([
    import('./engine'),
    import('./lib/data-paths'),
    import('./lib/logger'),
  ])
  const { env } = process
  const write = (line: string): boolean => process.stderr.write(line)
  return createEngine({
    dataDir: defaultDataDir(env, process.platform, homedir()),
    env,
    logger: env['MICROVM_DEBUG'] ? createLogger({ write, level: 'debug' }) : silentLogger,
  })
})

// Not before everything is written; nor later, when stdin would still keep the process.
process.stdout.write('', () => process.exit(exitCode))
