// SPDX-License-Identifier: Apache-2.0
// Passes Ethernet frames between the VMM and the network, counts them, and refuses what the host
// guard refuses. The network's link lives as long as the runner; VMMs come and go on it (a reboot of
// the guest is a new VMM), and neither side ever sees a cut frame because of that.
// Not here: rules of the user's, which are to come between the two walkers.
import type { Duplex } from 'node:stream'
import { MicrovmError } from '../../src/contract/errors'
import { FrameWalker } from './frame-walker'
import { hostGuard } from './host-guard'

/** Since the relay began. `rx` is towards the guest; bytes are those of the frames alone. */
export interface RelayCounters {
  readonly rxFrames: number
  readonly rxBytes: number
  readonly txFrames: number
  readonly txBytes: number
  /** Frames from the guest that were not passed on. */
  readonly refused: number
}

export class Relay {
  readonly #link: Duplex
  readonly #onError: (error: MicrovmError) => void
  readonly #toGuest = new FrameWalker()
  readonly #fromGuest = new FrameWalker(hostGuard)
  #vmm: Duplex | undefined

  /** @param onError the guest (or the network) sent what is no frame; its link is closed by then */
  constructor(link: Duplex, onError: (error: MicrovmError) => void) {
    this.#link = link
    this.#onError = onError
    link.on('data', (chunk: Buffer) => this.#pass(this.#toGuest, chunk, link, this.#vmm))
    // While no VMM is there frames are read and lost, as on a cable that is not plugged in.
  }

  get counters(): RelayCounters {
    return {
      rxFrames: this.#toGuest.frames,
      rxBytes: this.#toGuest.bytes,
      txFrames: this.#fromGuest.frames,
      txBytes: this.#fromGuest.bytes,
      refused: this.#fromGuest.refused,
    }
  }

  /** Plugs in a VMM; one at a time. */
  attach(vmm: Duplex): void {
    this.detach()
    this.#toGuest.refuseRest()
    this.#vmm = vmm
    vmm.on('data', (chunk: Buffer) => {
      if (this.#vmm === vmm) this.#pass(this.#fromGuest, chunk, vmm, this.#link)
    })
    // Its end is the VMM's end, which its supervisor tells.
    vmm.on('error', () => this.#unplug(vmm)).on('close', () => this.#unplug(vmm))
  }

  detach(): void {
    if (this.#vmm !== undefined) this.#unplug(this.#vmm)
  }

  #unplug(vmm: Duplex): void {
    if (this.#vmm !== vmm) return
    this.#vmm = undefined
    const missing = this.#fromGuest.abandon()
    if (missing > 0 && this.#link.writable) this.#link.write(Buffer.alloc(missing))
    this.#link.resume()
    vmm.destroy()
  }

  #pass(walker: FrameWalker, chunk: Buffer, from: Duplex, to: Duplex | undefined): void {
    let parts: Buffer[]
    try {
      parts = walker.walk(chunk)
    } catch (error) {
      from.destroy()
      this.#onError(MicrovmError.from(error))
      return
    }
    if (to === undefined || !to.writable) return
    // One write for all parts of a chunk where the stream can (writev).
    to.cork()
    let more = true
    for (const part of parts) more = to.write(part) && more
    to.uncork()
    if (more) return
    from.pause()
    to.once('drain', () => from.resume())
  }
}
