// SPDX-License-Identifier: Apache-2.0
// Which folders or files of the host the window may give to new machines: those the user chose in the system's dialog
// since the app started. A window that something hostile has taken over can name no other.
import { MicrovmError } from '../../contract/errors'

export class PathGrants {
  readonly #chosen = new Set<string>()
  readonly #ask: () => Promise<string | undefined>

  /** @param ask the system's dialog; undefined if it was dismissed */
  constructor(ask: () => Promise<string | undefined>) {
    this.#ask = ask
  }

  async choose(): Promise<string | null> {
    const path = await this.#ask()
    if (path === undefined) return null
    this.#chosen.add(path)
    return path
  }

  /** @throws PERMISSION_DENIED for a path the user did not choose */
  require(paths: readonly string[]): void {
    const stranger = paths.find((path) => !this.#chosen.has(path))
    if (stranger !== undefined)
      throw new MicrovmError('PERMISSION_DENIED', `${stranger} was not chosen for a machine`, {
        hint: 'Choose it again, in the dialog for it.',
      })
  }
}
