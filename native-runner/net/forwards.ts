// SPDX-License-Identifier: Apache-2.0
// The set of forwards in force. A change is all or none: what cannot be opened puts the old set back.
import { createServer } from 'node:net'
import { MicrovmError } from '../../src/contract/errors'
import type { PortForward } from '../../src/contract/vm-spec'
import type { Forwarder } from './provider'

/** A forward in force: `asked` is the host port of the request, 0 for any; `host` the real one. */
interface OpenForward extends PortForward {
  readonly asked: number
}

/** Another process may take a free port between our look and gvproxy's. */
const FREE_PORT_TRIES = 5

export class Forwards {
  readonly #forwarder: Forwarder
  readonly #freePort: () => Promise<number>
  #open: readonly OpenForward[] = []
  /** Changes wait for each other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(forwarder: Forwarder, freePort: () => Promise<number> = findFreePort) {
    this.#forwarder = forwarder
    this.#freePort = freePort
  }

  /** With real host ports. */
  get current(): PortForward[] {
    return this.#open.map(({ host, guest }) => ({ host, guest }))
  }

  /**
   * @returns the forwards now in force, in the order asked for, with real host ports
   * @throws PORT_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT, NETWORK_FAILED; the old set stays
   */
  set(wanted: readonly PortForward[]): Promise<PortForward[]> {
    const done = this.#last.then(async () => {
      await this.#change(wanted)
      return this.current
    })
    this.#last = done.catch(() => undefined)
    return done
  }

  async #change(wanted: readonly PortForward[]): Promise<void> {
    const plan = planForwards(this.#open, wanted)
    const opened: OpenForward[] = []
    const closed: OpenForward[] = []
    try {
      for (const forward of plan.close) {
        await this.#forwarder.unexpose(forward.host)
        closed.push(forward)
      }
      for (const slot of plan.slots) opened.push(slot.open ?? (await this.#expose(slot.wanted)))
      this.#open = opened
    } catch (error) {
      const fresh = opened.filter((forward) => !this.#open.includes(forward))
      for (const forward of fresh) await this.#forwarder.unexpose(forward.host)
      for (const { host, guest } of closed) await this.#forwarder.expose(host, guest)
      throw error
    }
  }

  async #expose({ host, guest }: PortForward): Promise<OpenForward> {
    for (let attempt = 1; ; attempt += 1) {
      const port = host === 0 ? await this.#freePort() : host
      try {
        await this.#forwarder.expose(port, guest)
        return { host: port, guest, asked: host }
      } catch (error) {
        const taken = MicrovmError.from(error).code === 'PORT_IN_USE'
        if (host !== 0 || !taken || attempt === FREE_PORT_TRIES) throw error
      }
    }
  }
}

/**
 * Which open forwards stay (an unchanged one is never interrupted) and which go.
 * @throws INVALID_ARGUMENT if a host port is asked for twice
 */
function planForwards(
  open: readonly OpenForward[],
  wanted: readonly PortForward[],
): {
  close: OpenForward[]
  slots: { wanted: PortForward; open: OpenForward | undefined }[]
} {
  const fixed = wanted.map(({ host }) => host).filter((host) => host !== 0)
  const twice = fixed.find((host, index) => fixed.indexOf(host) !== index)
  if (twice !== undefined)
    throw new MicrovmError('INVALID_ARGUMENT', `host port ${twice} is asked for twice`)
  const free = new Set(open)
  const take = (matches: (forward: OpenForward) => boolean): OpenForward | undefined => {
    const found = [...free].find(matches)
    if (found) free.delete(found)
    return found
  }
  // Requests for a certain port first, so that "any" does not take what they name.
  const matched = new Map<PortForward, OpenForward | undefined>()
  for (const request of wanted.filter(({ host }) => host !== 0))
    matched.set(
      request,
      take(({ host, guest }) => host === request.host && guest === request.guest),
    )
  for (const request of wanted.filter(({ host }) => host === 0))
    matched.set(
      request,
      take(({ asked, guest }) => asked === 0 && guest === request.guest),
    )
  return {
    close: [...free],
    slots: wanted.map((request) => ({ wanted: request, open: matched.get(request) })),
  }
}

/** A TCP port of the loopback that nothing listens on at this moment. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
