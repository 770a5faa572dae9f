// SPDX-License-Identifier: Apache-2.0
// The machines this process knows of, kept in step with the folder vms/, whoever changes it.
//
// Always: a machine with `autoRemove` is deleted by whoever notices that it has stopped, so also
// if the one who started it is gone.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import type { VmEvent } from '../engine'
import { removeTree } from '../lib/remove-tree'
import { removeMachine, type LifecycleDeps } from './lifecycle'
import { Machine, type MachineDeps } from './machine'
import { watchFolders, type FolderWatch } from './watch-folders'

export type RegistryDeps = LifecycleDeps & MachineDeps

/** Milliseconds a stopped autoRemove machine is left alone by those who did not stop it: it may be restarting. */
const AUTO_REMOVE_AFTER_MS = 3000

export class Registry {
  readonly #deps: RegistryDeps
  readonly #machines = new Map<string, Machine>()
  readonly #listeners = new Set<(event: VmEvent) => void>()
  readonly #reapers = new Map<string, NodeJS.Timeout>()
  #watch: FolderWatch | undefined
  #scanning: Promise<void> | undefined
  #cleaned = false

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  all(): Machine[] {
    return [...this.#machines.values()]
      .filter((machine) => machine.exists)
      .toSorted((a, b) => a.view().createdAt - b.view().createdAt || (a.id < b.id ? -1 : 1))
  }

  /** Looks at every machine anew. */
  async scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => (this.#scanning = undefined))
    await this.#scanning
  }

  async #scan(): Promise<void> {
    if (!this.#cleaned) await this.#emptyTrash()
    const ids = await this.#deps.files.ids()
    for (const machine of this.#machines.values()) {
      if (!ids.includes(machine.id)) this.#forget(machine)
    }
    for (const id of ids) {
      if (!this.#machines.has(id)) {
        this.#machines.set(id, new Machine(id, this.#deps, (machine) => this.#changed(machine)))
      }
    }
    this.#watch?.setIds(ids)
    await Promise.all(ids.map((id) => this.#refresh(id)))
    await Promise.all(this.all().map((machine) => this.#reapDue(machine)))
  }

  async #refresh(id: string): Promise<void> {
    const machine = this.#machines.get(id)
    try {
      await machine?.refresh()
    } catch (error) {
      this.#deps.logger.warn('a machine could not be read', { id, error })
    }
  }

  /** By id, name, or the beginning of one id. */
  async find(idOrName: string): Promise<Machine> {
    const known = this.#exact(idOrName)
    if (known !== undefined) {
      await known.refresh()
      if (this.#exact(idOrName) === known) return known
    }
    await this.scan()
    const exact = this.#exact(idOrName)
    if (exact !== undefined) return exact
    const all = this.all()
    const begun = idOrName === '' ? [] : all.filter(({ id }) => id.startsWith(idOrName))
    const [only, second] = begun
    if (only !== undefined && second === undefined) return only
    if (second !== undefined) {
      const names = begun.map(({ id, spec }) => `${spec.name} (${id})`).join(', ')
      throw new MicrovmError('INVALID_ARGUMENT', `${idOrName} begins the id of several machines`, {
        hint: `Say which: ${names}.`,
      })
    }
    throw new MicrovmError('NOT_FOUND', `there is no machine ${idOrName}`, {
      hint:
        all.length === 0
          ? 'There are none at all yet. Make one: microvm run starter'
          : `There are: ${all.map(({ spec }) => spec.name).join(', ')}.`,
    })
  }

  #exact(idOrName: string): Machine | undefined {
    const byId = this.#machines.get(idOrName)
    if (byId?.exists) return byId
    return this.all().find(({ spec }) => spec.name === idOrName)
  }

  async remove(machine: Machine): Promise<void> {
    await removeMachine(this.#deps, machine)
    this.#forget(machine)
  }

  subscribe(listener: (event: VmEvent) => void): () => void {
    this.#listeners.add(listener)
    if (this.#watch === undefined) {
      this.#watch = watchFolders({
        vmsDir: this.#deps.paths.vms,
        dirOf: (id) => this.#deps.paths.vm(id).dir,
        onListChanged: () => void this.#scanQuietly(),
        onMachineChanged: (id) => void this.#refresh(id),
        logger: this.#deps.logger,
      })
      this.#watch.setIds([...this.#machines.keys()])
      void this.#scanQuietly()
    }
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#watch?.close()
      this.#watch = undefined
    }
  }

  async #scanQuietly(): Promise<void> {
    try {
      await this.scan()
    } catch (error) {
      this.#deps.logger.warn('the machines could not be listed', { error })
    }
  }

  #changed(machine: Machine): void {
    if (!machine.exists) return
    this.#reapLater(machine)
    this.#emit({ type: 'changed', vm: machine.view() })
  }

  #forget(machine: Machine): void {
    const wasShown = machine.exists
    clearTimeout(this.#reapers.get(machine.id))
    this.#reapers.delete(machine.id)
    machine.removed()
    if (!this.#machines.delete(machine.id)) return
    if (wasShown || this.#listeners.size > 0) this.#emit({ type: 'removed', id: machine.id })
  }

  #emit(event: VmEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** Milliseconds until an autoRemove machine is to be deleted; undefined: it is not. */
  #dueIn({ state, spec, launch }: Machine): number | undefined {
    if (!spec.autoRemove || state.status !== 'stopped' || launch !== undefined) return undefined
    if (state.stoppedAt === undefined) return undefined
    return Math.max(0, state.stoppedAt + AUTO_REMOVE_AFTER_MS - this.#deps.now())
  }

  #reapLater(machine: Machine): void {
    const wait = this.#dueIn(machine)
    if (wait === undefined || this.#reapers.has(machine.id)) return
    const timer = setTimeout(() => {
      this.#reapers.delete(machine.id)
      void this.#refresh(machine.id).then(() => this.#reapDue(machine))
    }, wait)
    this.#reapers.set(machine.id, timer.unref())
  }

  async #reapDue(machine: Machine): Promise<void> {
    if (!machine.exists || this.#dueIn(machine) !== 0) return
    try {
      await this.remove(machine)
    } catch (error) {
      this.#deps.logger.warn('a machine could not be removed', { id: machine.id, error })
    }
  }

  /** What a process left that died while it deleted a machine. */
  async #emptyTrash(): Promise<void> {
    this.#cleaned = true
    const { vms } = this.#deps.paths
    const names = await readdir(vms).catch((): string[] => [])
    const trash = names.filter((name) => name.startsWith('.trash-'))
    await Promise.all(trash.map((name) => removeTree(join(vms, name))))
  }

  async close(): Promise<void> {
    this.#watch?.close()
    this.#watch = undefined
    this.#listeners.clear()
    for (const timer of this.#reapers.values()) clearTimeout(timer)
    const machines = [...this.#machines.values()]
    for (const { launch } of machines) {
      launch?.cancel.abort(new MicrovmError('CANCELLED', 'the program that launched it has ended'))
    }
    await Promise.all(machines.flatMap(({ launch }) => launch?.ended ?? []))
    for (const machine of machines) machine.disconnect()
  }
}
