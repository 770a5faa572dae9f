// SPDX-License-Identifier: Apache-2.0
// `microvm exec` and `microvm shell`: into a machine that runs.
import { MicrovmError } from '../../contract/errors'
import { shellEscape } from '../ssh/shell-escape'
import { captureProcess } from './capture'
import type { CommandContext } from './context'
import { attach } from './session'

/** `command` empty: the login shell. */
export async function execute(
  context: CommandContext,
  name: string,
  command: readonly string[],
): Promise<number> {
  const { machines } = await context.engine()
  const { id, spec, state } = await machines.get(name)
  if (state.status === 'stopped' || state.status === 'failed') {
    throw new MicrovmError('CONFLICT', `${spec.name} is not running`, {
      hint: `Start it: microvm start ${spec.name}`,
    })
  }
  const connection = await machines.connect(id, context.cancel)
  try {
    const line = command.length === 0 ? undefined : shellEscape(command)
    if (!context.output.json) return await attach(connection, line, context.terminal)
    const { code, stdout, stderr } = await captureProcess(connection, line, context.terminal.stdin)
    context.output.result({ machine: spec.name, exitCode: code, stdout, stderr }, '')
    return code
  } finally {
    connection.close()
  }
}
