// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../../src/contract/errors'
import {
  ShellConnection,
  type ShellPhase,
} from '../../../../../src/renderer/features/terminal/shell-connection'

/** A shell connection with everything around it in the test's hands. */
function harness(options: { runs: boolean }) {
  const log: string[] = []
  const phases: ShellPhase[] = []
  const notes: string[] = []
  const world = {
    runs: options.runs,
    size: { cols: 80, rows: 24 },
    done: 0,
    /** Ends the pending `open`. */
    answer: (_error?: Error): void => undefined,
  }
  let ids = 0
  const record = (entry: string): Promise<void> => {
    log.push(entry)
    return Promise.resolve()
  }
  const shell = new ShellConnection({
    calls: {
      open: (id, cols, rows) => {
        log.push(`open ${id} ${cols}x${rows}`)
        return new Promise((resolve, reject) => {
          world.answer = (error) => (error === undefined ? resolve() : reject(error))
        })
      },
      write: (id, data) => record(`write ${id} ${data}`),
      resize: (id, cols, rows) => record(`resize ${id} ${cols}x${rows}`),
      close: (id) => record(`close ${id}`),
    },
    newId: () => `t${(ids += 1)}`,
    vmRuns: () => world.runs,
    size: () => world.size,
    onPhase: (phase) => phases.push(phase),
    note: (text) => notes.push(text),
    onDone: () => (world.done += 1),
  })
  const answered = async (error?: Error): Promise<void> => {
    world.answer(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const vm = (runs: boolean): void => {
    world.runs = runs
    shell.vmChanged(runs)
  }
  return { shell, world, log, phases, notes, answered, vm }
}

async function opened() {
  const all = harness({ runs: true })
  all.shell.connect()
  await all.answered()
  return all
}

describe('opening a shell', () => {
  it('waits for a machine that does not run, and opens when it does', async () => {
    const { shell, log, phases, answered, vm } = harness({ runs: false })
    shell.connect()
    expect(log).toEqual([])
    vm(true)
    await answered()
    expect(log).toEqual(['open t1 80x24'])
    expect(phases).toEqual(['waiting', 'connecting', 'open'])
  })

  it('opens one shell however often it is asked', async () => {
    const { shell, log } = await opened()
    shell.connect()
    shell.vmChanged(true)
    expect(log).toEqual(['open t1 80x24'])
  })

  it('passes on what was typed and how the window was resized meanwhile', async () => {
    const { shell, world, log, answered } = harness({ runs: true })
    shell.connect()
    shell.input('un')
    shell.input('ame\r')
    world.size = { cols: 100, rows: 30 }
    shell.resized()
    await answered()
    expect(log).toEqual(['open t1 80x24', 'resize t1 100x30', 'write t1 uname\r'])
  })

  it('keeps a bounded amount of what is typed before', async () => {
    const { shell, log, answered } = harness({ runs: true })
    shell.connect()
    shell.input('x'.repeat(100_000))
    await answered()
    expect(log.at(-1)).toBe(`write t1 ${'x'.repeat(4096)}`)
  })

  it('says why it was refused and tries again on Enter only', async () => {
    const { shell, log, notes, answered } = harness({ runs: true })
    shell.connect()
    await answered(new MicrovmError('SSH_FAILED', 'host key differs', { hint: 'Look out.' }))
    expect(notes).toEqual(['Host key differs Look out. Press Enter to try again.'])
    shell.input('x')
    expect(log).toHaveLength(1)
    shell.input('\r')
    expect(log.at(-1)).toBe('open t2 80x24')
  })

  it('closes a shell that came only after its tab was gone', async () => {
    const { shell, log, answered } = harness({ runs: true })
    shell.connect()
    shell.dispose()
    await answered()
    expect(log).toEqual(['open t1 80x24', 'close t1', 'close t1'])
  })
})

describe('the end of a shell', () => {
  it('closes the tab when the user left it', async () => {
    const { shell, world } = await opened()
    shell.closed({ terminalId: 't1', code: 0 })
    expect(world.done).toBe(1)
  })

  it('keeps the tab when it failed', async () => {
    const { shell, world, notes } = await opened()
    shell.closed({ terminalId: 't1', code: 127 })
    expect(world.done).toBe(0)
    expect(shell.phase).toBe('ended')
    expect(notes[0]).toMatch(/ended with code 127/)
  })

  it('is not taken from an earlier shell', async () => {
    const { shell } = await opened()
    shell.closed({ terminalId: 'other', code: 0 })
    expect(shell.phase).toBe('open')
  })

  it('with the machine leads to a new one when it is back', async () => {
    const { shell, world, log, vm } = await opened()
    vm(false)
    shell.closed({ terminalId: 't1', code: 143 })
    expect(shell.phase).toBe('waiting')
    vm(true)
    expect(log.at(-1)).toBe('open t2 80x24')
    expect(world.done).toBe(0)
  })

  it('told before the machine’s own leads to a new one as well', async () => {
    const { shell, log, vm } = await opened()
    shell.closed({
      terminalId: 't1',
      error: { code: 'SSH_FAILED', message: 'the connection broke' },
    })
    expect(shell.phase).toBe('ended')
    vm(false)
    vm(true)
    expect(log.at(-1)).toBe('open t2 80x24')
  })

  it('told only after the machine is back leads to a new one at once', async () => {
    const { shell, world, log, vm } = await opened()
    vm(false)
    vm(true)
    shell.closed({ terminalId: 't1', code: 0 })
    expect(world.done).toBe(0)
    expect(log.at(-1)).toBe('open t2 80x24')
  })
})
