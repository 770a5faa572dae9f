// SPDX-License-Identifier: Apache-2.0
// Which folders of the host the window may share with new machines: those the user chose in the system's dialog
// since the app started. A window that something hostile has taken over can name no other.
import { MicrovmError } from '../../contract/errors'
import type { Mount } from '../../contract/vm-spec'

export class FolderGrants {
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

  /** @throws PERMISSION_DENIED for a folder the user did not choose */
  require(mounts: readonly Mount[]): void {
    const stranger = mounts.find(({ hostPath }) => !this.#chosen.has(hostPath))
    if (stranger !== undefined)
      throw new MicrovmError(
        'PERMISSION_DENIED',
        `${stranger.hostPath} was not chosen to be shared`,
        { hint: 'Choose the folder again, in the dialog for it.' },
      )
  }
}
