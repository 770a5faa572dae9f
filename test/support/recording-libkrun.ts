// SPDX-License-Identifier: Apache-2.0
// Makes recording libkruns (test/native/recording-libkrun.cc) of any version, and reads what they were told.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { support } from './runner-fixture'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const source = join(root, 'test/native/recording-libkrun.cc')
const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter']

/** The release each call appeared in (the tags of libkrun's repository); those of 1.9.0 are not named. */
const appeared: Readonly<Record<string, number>> = {
  krun_set_kernel: 1.11,
  krun_setuid: 1.11,
  krun_setgid: 1.11,
  krun_init_log: 1.13,
  krun_add_net_unixstream: 1.15,
  krun_set_root_disk_remount: 1.15,
  krun_disable_implicit_console: 1.16,
  krun_get_max_vcpus: 1.16,
  krun_add_disk3: 1.17,
  krun_add_virtio_console_multiport: 1.17,
  krun_add_console_port_tty: 1.17,
  krun_add_console_port_inout: 1.17,
  krun_disable_implicit_vsock: 1.17,
  krun_has_feature: 1.173,
  krun_add_virtiofs3: 1.18,
  krun_disable_implicit_init: 1.19,
}
/** 1.9 as a number that sorts before 1.11. */
export const OLDEST = 1.09
export const NEWEST = 9

export interface RecordedCall {
  readonly call: string
  readonly args: readonly unknown[]
}

export interface RecordingLibkrun {
  readonly libDir: string
  /** Everything it was told so far. */
  calls(): Promise<RecordedCall[]>
  /** Makes these calls fail: by name, the errno. */
  fail(calls: Readonly<Record<string, number>>): Promise<void>
  /** What krun_has_feature says yes to. */
  features(numbers: readonly number[]): Promise<void>
  /** How krun_start_enter ends, instead of playing the guest: "exit 3", "signal 11". */
  enter(how: string): Promise<void>
  /** As it was before its first call. */
  reset(): Promise<void>
  dispose(): Promise<void>
}

/**
 * @param release as in `appeared`: the calls of later ones are missing
 * @param without calls that are missing besides
 */
export async function makeLibkrun(
  release: number = NEWEST,
  without: readonly string[] = [],
): Promise<RecordingLibkrun> {
  const libDir = mkdtempSync(join(tmpdir(), 'microvm-libkrun-'))
  const calls = (await allCalls()).filter(
    (call) => (appeared[call] ?? 0) <= release && !without.includes(call),
  )
  const exported = join(libDir, 'exported')
  await writeFile(exported, `{ global: ${calls.map((call) => `${call};`).join(' ')} local: *; };\n`)
  const object = await (compiled ??= compile())
  await run('g++', ['-shared', `-Wl,--version-script=${exported}`, object, '-o', fileIn(libDir)])
  await writeFile(join(libDir, 'guest'), support('fake-guest.mjs'))
  const told = ['calls.jsonl', 'fail', 'features', 'enter'].map((name) => join(libDir, name))
  const reset = async (): Promise<void> =>
    void (await Promise.all(told.map((path) => rm(path, { force: true }))))
  return {
    libDir,
    calls: async () => {
      const text = await readFile(join(libDir, 'calls.jsonl'), 'utf8').catch(() => '')
      const lines = text.split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as RecordedCall)
    },
    fail: (failing) =>
      writeFile(
        join(libDir, 'fail'),
        Object.entries(failing)
          .map(([call, errno]) => `${call} ${errno}\n`)
          .join(''),
      ),
    features: (numbers) => writeFile(join(libDir, 'features'), numbers.join('\n')),
    enter: (how) => writeFile(join(libDir, 'enter'), how),
    reset,
    dispose: () => rm(libDir, { recursive: true, force: true }),
  }
}

/** Once for all versions; what is exported is the linker's business. */
let compiled: Promise<string> | undefined
async function compile(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'microvm-libkrun-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const object = join(dir, 'libkrun.o')
  const options = ['-std=c++20', '-fPIC', '-fvisibility=hidden', ...warnings]
  await run('g++', [...options, '-c', source, '-o', object])
  return object
}

const fileIn = (libDir: string): string => join(libDir, 'libkrun.so.1')

/** Makes the library anew so that it sees what it should not read of its arguments. */
export async function sanitizeLibkrun({ libDir }: RecordingLibkrun): Promise<void> {
  const options = ['-std=c++20', '-fPIC', '-shared', '-fvisibility=hidden', ...warnings]
  await run('g++', [...options, '-g', '-fsanitize=address', source, '-o', fileIn(libDir)])
}

/**
 * Compiles the library's calls, and the addon's with them, against a real libkrun.h.
 * @throws the compiler's words where a signature differs
 */
export async function compileAgainst(header: string): Promise<void> {
  await run('g++', [
    ...['-std=c++20', '-fsyntax-only', ...warnings, '-Wno-comment'],
    ...[`-DREAL_HEADER="${header}"`, source],
  ])
}

/** Every call the addon knows, by its C name. */
export async function allCalls(): Promise<string[]> {
  const list = await readFile(join(root, 'native-runner/addon/krun-calls.h'), 'utf8')
  return [...list.matchAll(/CALL\((\w+), \w+[,)]/g)].map((match) => `krun_${match[1]}`)
}
