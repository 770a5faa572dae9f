// SPDX-License-Identifier: Apache-2.0
// The command line: which commands there are, with which words and options. Each command's code is
// loaded when it runs, so that `--help` and short commands start fast.
import { Command, CommanderError } from 'commander'
import type { Engine } from '../engine'
import type { CommandContext, GlobalOptions } from './context'
import { addDiskGroup } from './disk-program'
import { exitCodes } from './exit-codes'
import { addImageGroup } from './image-program'
import type { Terminal } from './session'

const EXIT_CODES = `
Exit codes:
  of the command in the machine, where one is run; else
  0    done
  1    doctor found that something is missing
  2    the command line is wrong
  125  microvm failed; the message says what to do
  130  cancelled with Ctrl-C (128 + the signal's number)

Machines and images are kept in MICROVM_DATA_DIR, or the platform's data folder.`

const RUN_EXAMPLES = `
Examples:
  microvm run starter                        a machine and a shell in it; it keeps running
  microvm run --rm starter -- uname -r       one command, and nothing is left
  microvm run debian -- sh -c 'echo $HOME'   what follows -- reaches the machine word for word
  microvm run --detach --name web --port 8080:80 nginx
  echo 'ls /' | microvm run --rm alpine      a script from stdin

Extra disks:
  --add-disk SOURCE[:GUEST][:rw]             the machine has it as /dev/disk0, the next one as /dev/disk1, …
  --add-disk ./data.img:/data:rw             its file system is mounted at /data; the file is written in place
  --add-disk https://example.org/db.img.xz#sha256=HEX:/db
                                             is downloaded once and checked; with :rw the machine gets a copy

With CMD the machine idles, runs CMD over SSH and is stopped when CMD ends. Without, it runs the
image's own command, and a shell is opened beside it. With --detach, CMD is the machine's own command.`

/** Parses `args` (without node and script) and runs the command; resolves to the exit code. */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  createEngine: () => Promise<Engine>,
): Promise<number> {
  let exitCode: number = exitCodes.ok
  const run = async (
    options: GlobalOptions,
    command: (context: CommandContext) => Promise<number>,
  ): Promise<void> => {
    const { runCommand } = await import('./context')
    exitCode = await runCommand(terminal, options, createEngine, command)
  }
  const program = buildProgram(run)
  configure(program, terminal)
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return await reportUsage(error, args, terminal)
  }
}

export type AddCommand = typeof addCommand
export type Run = (
  options: GlobalOptions,
  command: (context: CommandContext) => Promise<number>,
) => Promise<void>

function buildProgram(run: Run): Command {
  const program = new Command('microvm')
    .description('Runs container images as small virtual machines of their own.')
    .addHelpText('after', EXIT_CODES)
    .helpCommand('help [command]', 'show help for a command')
  addRunCommands(program, run)
  addMachineCommands(program, run)
  addImageCommands(program, run)
  addImageGroup(program, run, addCommand)
  addDiskGroup(program, run, addCommand)
  addRegistryCommands(program, run)
  return program
}

/** Help and errors are ours to print, also those of subcommands. */
function configure(program: Command, terminal: Terminal): void {
  program.exitOverride().configureOutput({
    writeOut: (text) => terminal.stdout.write(text),
    writeErr: (text) => terminal.stderr.write(text),
    outputError: () => undefined,
  })
  for (const command of program.commands) configure(command, terminal)
}

async function reportUsage(
  error: CommanderError,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  if (error.exitCode === 0) return exitCodes.ok // --help
  // `microvm` alone has already printed the help.
  if (error.code === 'commander.help') return exitCodes.usage
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  const [{ usage }, { runCommand }] = await Promise.all([
    import('./arguments'),
    import('./context'),
  ])
  const refuse = (): never => {
    throw usage(error.message.replace(/^error: /, ''), usageHint(error, own))
  }
  const noEngine = (): Promise<never> => Promise.reject(new Error('not needed'))
  return await runCommand(terminal, { json: own.includes('--json') }, noEngine, async () =>
    refuse(),
  )
}

function usageHint(error: CommanderError, args: readonly string[]): string {
  const [command] = args
  if (error.code === 'commander.unknownOption' && (command === 'run' || command === 'exec')) {
    return `Options for the machine's command go after --: microvm ${command} NAME -- CMD…`
  }
  return command === undefined || error.code === 'commander.unknownCommand'
    ? 'See `microvm --help`.'
    : `See \`microvm ${command} --help\`.`
}

/** A command with the options that every one has. */
function addCommand(program: Command, words: string, description: string): Command {
  return program
    .command(words)
    .description(description)
    .option('--json', 'one JSON document on stdout; errors as JSON on stderr')
    .option('-q, --quiet', 'no progress, no notes')
}

const collect = (text: string, all: readonly string[] | undefined): string[] => [
  ...(all ?? []),
  text,
]

function addMachineOptions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the machine and its host name (default: made up)')
    .option('--cpus <n>', 'number of CPUs (default: 1)')
    .option('--memory <size>', 'RAM: 512, 2048M, 1G (default: 512)')
    .option('--disk <size>', 'size of its disk (default: 10G)')
    .option('--port <host:guest>', 'forward a TCP port of 127.0.0.1; repeatable', collect)
    .option(
      '--mount <host:guest[:ro]>',
      'share a folder with the machine, :ro for reading only; repeatable',
      collect,
    )
    .option(
      '--add-disk <source[:guest][:rw]>',
      'a disk beside its own: a raw file or a URL; read-only unless :rw; repeatable',
      collect,
    )
    .option('--env <name=value>', 'variable; NAME alone takes its value here; repeatable', collect)
    .option('--workdir <path>', "folder the machine's command starts in")
    .option('--user <user>', "user the machine's command runs as")
    .option('--backend <name>', 'libkrun or qemu (default: the best that works here)')
    .option('--rm', 'delete the machine once it has stopped')
}

function addRunCommands(program: Command, run: Run): void {
  addMachineOptions(
    addCommand(
      program,
      'run <image> [command...]',
      'create a machine and run a command or a shell in it',
    ),
  )
    .option('-d, --detach', 'print the name and return once it runs')
    .addHelpText('after', RUN_EXAMPLES)
    .action((image: string, command: string[], options) =>
      run(options, async (context) =>
        (await import('./run-command')).run(context, image, command, options),
      ),
    )
  addCommand(program, 'exec <name> [command...]', 'run a command in a running machine')
    .addHelpText('after', '\nExample:\n  microvm exec web -- nginx -t')
    .action((name: string, command: string[], options) =>
      run(options, async (context) =>
        (await import('./session-commands')).execute(context, name, command),
      ),
    )
  addCommand(program, 'shell <name>', 'open a shell in a running machine').action(
    (name: string, options) =>
      run(options, async (context) =>
        (await import('./session-commands')).execute(context, name, []),
      ),
  )
}

function addMachineCommands(program: Command, run: Run): void {
  const load = () => import('./machine-commands')
  addMachineOptions(
    addCommand(program, 'create <image> [command...]', 'create a machine without starting it'),
  ).action((image: string, command: string[], options) =>
    run(options, async (context) => (await load()).create(context, image, command, options)),
  )
  addCommand(program, 'start <names...>', 'start machines').action((names: string[], options) =>
    run(options, async (context) => (await load()).start(context, names)),
  )
  addCommand(program, 'restart <names...>', 'stop machines and start them again').action(
    (names: string[], options) =>
      run(options, async (context) => (await load()).restart(context, names)),
  )
  addCommand(program, 'resume <names...>', 'continue machines paused by a full disk').action(
    (names: string[], options) =>
      run(options, async (context) => (await load()).resume(context, names)),
  )
  addCommand(program, 'stop <names...>', 'stop machines')
    .option('-f, --force', 'at once, without asking the machine')
    .action((names: string[], options) =>
      run(options, async (context) => (await load()).stop(context, names, options)),
    )
  addCommand(program, 'rm <names...>', 'delete machines with their disks')
    .option('-f, --force', 'running ones, too')
    .action((names: string[], options) =>
      run(options, async (context) => (await load()).remove(context, names, options)),
    )
  addCommand(program, 'ls', 'list machines').action((options) =>
    run(options, async (context) => (await load()).list(context)),
  )
  addCommand(program, 'logs <name>', 'print the console log of a machine')
    .option('-f, --follow', 'go on until the machine stops')
    .action((name: string, options) =>
      run(options, async (context) => (await load()).logs(context, name, options)),
    )
  addPortsCommand(program, run)
  addCommand(program, 'doctor', 'say what this host has and lacks').action((options) =>
    run(options, async (context) => (await load()).doctor(context)),
  )
}

function addPortsCommand(program: Command, run: Run): void {
  addCommand(program, 'ports <name>', 'list, add or remove port forwards, also while it runs')
    .option('--add <host:guest>', 'forward a port of 127.0.0.1; repeatable', collect)
    .option('--remove <host:guest>', 'end a forward; repeatable', collect)
    .addHelpText('after', '\nExample:\n  microvm ports web --add 8443:443 --remove 8080:80')
    .action((name: string, options) =>
      run(options, async (context) =>
        (await import('./machine-commands')).ports(context, name, options),
      ),
    )
}

function addRegistryCommands(program: Command, run: Run): void {
  const load = () => import('./registry-commands')
  addCommand(program, 'login [registry]', 'sign in to a registry (default: docker.io)')
    .option('-u, --username <name>', 'user name; asked for unless given')
    .option('--password-stdin', 'read the password from standard input')
    .option('--plain-http', 'reach the registry without encryption')
    .addHelpText(
      'after',
      '\nLogins are shared with docker: its config.json, and the helpers named there.',
    )
    .action((registry: string | undefined, options) =>
      run(options, async (context) => (await load()).login(context, registry, options)),
    )
  addCommand(program, 'logout [registry]', 'forget the login at a registry').action(
    (registry: string | undefined, options) =>
      run(options, async (context) => (await load()).logout(context, registry)),
  )
}

function addImageCommands(program: Command, run: Run): void {
  const load = () => import('./image-commands')
  addCommand(program, 'pull <reference>', 'get an image from a registry')
    .option('--platform <os/arch>', "other than this computer's: linux/arm64")
    .option('--plain-http', 'reach the registry without encryption')
    .option('--local', 'what Docker or Podman here has under that name, and no registry')
    .action((reference: string, options) =>
      run(options, async (context) => (await load()).pull(context, reference, options)),
    )
  addCommand(
    program,
    'import <path>',
    'get an image from an OCI layout or an archive; - is standard input',
  )
    .option('--name <reference>', 'what to call it')
    .action((path: string, options) =>
      run(options, async (context) => (await load()).importImage(context, path, options)),
    )
  addCommand(program, 'images', 'list images').action((options) =>
    run(options, async (context) => (await load()).listImages(context)),
  )
}
