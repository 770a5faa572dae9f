// SPDX-License-Identifier: Apache-2.0
// What set-up throws on purpose: which part failed, why, and what to do about it.

export class SetupProblem extends Error {
  /**
   * @param {string} part what was being set up: "Debian packages"
   * @param {string} cause why it failed, in one sentence; more lines may follow
   * @param {string} remedy what the reader can do
   */
  constructor(part, cause, remedy) {
    super(`${part}: ${cause}`)
    this.name = 'SetupProblem'
    this.part = part
    this.reason = cause
    this.remedy = remedy
  }

  /** Any error as a problem of the named part. @param {string} part @param {unknown} error */
  static of(part, error) {
    if (error instanceof SetupProblem) return error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const cause = error instanceof Error ? error.message : String(error)
    return new SetupProblem(part, cause, systemRemedies[String(code)] ?? defaultRemedy)
  }

  /** @override @returns {string} */
  toString() {
    return `✗ ${this.part}\n  why:    ${indent(this.reason)}\n  remedy: ${indent(this.remedy)}`
  }
}

const defaultRemedy = 'Nothing was left half-installed. Run the same command again.'
/** @type {Record<string, string>} */
const systemRemedies = {
  ENOSPC: 'The disk is full. Free some space, then run the same command again.',
  EDQUOT: 'Your disk quota is used up. Free some space, then run the same command again.',
  EACCES: 'Check who owns the file or folder named above, then run the same command again.',
  EPERM: 'Check who owns the file or folder named above, then run the same command again.',
  EROFS: 'That file system is read-only. Set MICROVM_CACHE_DIR to a folder you can write to.',
}

/** @param {string} text */
const indent = (text) => text.trim().replaceAll('\n', '\n          ')
