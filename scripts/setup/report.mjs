// SPDX-License-Identifier: Apache-2.0
// What set-up prints: one line per step, once it is done; on a terminal also what is under way.

/**
 * @typedef {object} Report
 * @property {(line: string) => void} say one line
 * @property {<T>(name: string, work: () => Promise<T>, describe: (result: T) => string) => Promise<T>} step
 *   runs one step; `describe` gives what stands in brackets behind its name
 * @property {() => void} waiting says that another set-up holds a lock
 */

/**
 * @param {NodeJS.WriteStream} stream
 * @returns {Report}
 */
export function createReport(stream) {
  const clear = stream.isTTY ? '\r\u001b[2K' : ''
  /** @param {string} line */
  const say = (line) => void stream.write(`${clear}${line}\n`)
  return {
    say,
    waiting: () => say('  waiting for another set-up that is under way'),
    async step(name, work, describe) {
      if (stream.isTTY) stream.write(`${clear}… ${name}`)
      const started = performance.now()
      try {
        const result = await work()
        say(stepLine(name, describe(result), performance.now() - started))
        return result
      } catch (error) {
        stream.write(clear)
        throw error
      }
    },
  }
}

/**
 * "✓ kernel (cached)", "✓ build (built, 4.2 s)".
 * @param {string} name
 * @param {string} detail
 * @param {number} ms told from a second on
 */
export function stepLine(name, detail, ms) {
  const time = ms >= 1000 ? `, ${(ms / 1000).toFixed(1)} s` : ''
  return `✓ ${name} (${detail}${time})`
}
