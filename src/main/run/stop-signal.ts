// SPDX-License-Identifier: Apache-2.0
// Which signal asks the machine's main process to end. Numbers are Linux's, whatever the host is.

const TERM = 15
const HUP = 1
/** glibc's and Docker's SIGRTMIN; "SIGRTMIN+3" is what systemd wants. */
const RTMIN = 34
const RTMAX = 64

/** signal(7), the x86 and ARM column. */
// prettier-ignore
const numbers: Readonly<Record<string, number>> = {
  HUP, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11,
  USR2: 12, PIPE: 13, ALRM: 14, TERM, STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21,
  TTOU: 22, URG: 23, XCPU: 24, XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28, IO: 29, PWR: 30, SYS: 31,
}

const shells = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'csh', 'tcsh'])

/**
 * @param imageSignal the image's StopSignal: a name with or without SIG, a number, or ''
 * @param argv the machine's command
 */
export function stopSignal(imageSignal: string, argv: readonly string[]): number {
  // An interactive shell ignores TERM; HUP is what it gets when its terminal goes away.
  if (imageSignal === '' && isInteractiveShell(argv)) return HUP
  return parseSignal(imageSignal) ?? TERM
}

function parseSignal(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return inRange(Number(text))
  const name = text.toUpperCase().replace(/^SIG/, '')
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realTime === null) return numbers[name]
  const offset = Number(realTime[3] ?? 0) * (realTime[2] === '-' ? -1 : 1)
  return inRange((realTime[1] === 'MIN' ? RTMIN : RTMAX) + offset)
}

const inRange = (signal: number): number | undefined =>
  signal >= 1 && signal <= RTMAX ? signal : undefined

/** A shell with nothing to run but what is typed: `bash`, `/bin/sh -l`; not `sh -c …` or `sh script`. */
function isInteractiveShell([command = '', ...options]: readonly string[]): boolean {
  const name = command.slice(command.lastIndexOf('/') + 1)
  return shells.has(name) && options.every((word) => /^(-[il]+|--login|--norc)$/.test(word))
}
