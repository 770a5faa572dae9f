// SPDX-License-Identifier: Apache-2.0
// The folder vms/: each machine's record (spec.json) and observed state (state.json).
//
// Always: files are replaced whole, under a lock the kernel drops with its holder; any number of
// processes may read and write. A file that cannot be understood is set aside and reported, and
// hinders no other machine; one from a newer version of the app is left as it is.
// Not here: what the states mean, and whether a runner lives (src/main/vms).
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { vmIdSchema } from '../../contract/vm-spec'
import { STATE_VERSION, vmStateSchema, type VmState } from '../../contract/vm-state'
import { writeFileAtomic } from '../lib/atomic-file'
import type { DataPaths } from '../lib/data-paths'
import { withFileLock } from '../lib/file-lock'
import { examineJson, setAside, type Loaded } from './load-json'
import { RECORD_VERSION, vmRecordSchema, type VmRecord } from './vm-record'

/** A machine that never ran. */
export const initialState: VmState = {
  version: STATE_VERSION,
  status: 'stopped',
  ports: [],
  timeline: [],
}

export interface VmFiles {
  /** Every machine's id, sorted; folders of any other name are none. */
  ids(): Promise<string[]>
  loadRecord(id: string): Promise<Loaded<VmRecord>>
  loadState(id: string): Promise<Loaded<VmState>>
  /**
   * Writes a new machine's record if `admit` does not throw, given all records there are: so
   * that two processes cannot take the same name.
   */
  create(record: VmRecord, admit: (existing: readonly VmRecord[]) => void): Promise<void>
  /** @throws NOT_FOUND, STATE_CORRUPT, STATE_VERSION; and whatever `change` throws */
  updateRecord(id: string, change: (record: VmRecord) => VmRecord): Promise<VmRecord>
  /**
   * `change` gets the present state (the initial one if there is none or it was set aside) and
   * returns the next, or undefined to leave the file alone.
   * @throws STATE_VERSION; NOT_FOUND if the machine is gone; and whatever `change` throws
   */
  updateState(
    id: string,
    change: (state: VmState) => VmState | undefined | Promise<VmState | undefined>,
  ): Promise<VmState>
  /** Runs `work` while no other process creates or renames a machine's folder. */
  locked<T>(id: string, work: () => Promise<T>): Promise<T>
}

export function createVmFiles(paths: DataPaths): VmFiles {
  const locked = <T>(id: string, work: () => Promise<T>): Promise<T> =>
    withFileLock(paths.vm(id).lock, work)

  const load = async <T>(id: string, file: VersionedFile<T>): Promise<Loaded<T>> => {
    const found = await examineJson(file.path, file.schema, file.version)
    // Corrupt: look again under the lock, so as never to set aside what another has just mended.
    return found.kind === 'corrupt' ? await locked(id, () => loadLocked(file)) : found
  }
  const loadRecord = (id: string): Promise<Loaded<VmRecord>> => load(id, recordFile(paths, id))
  const ids = async (): Promise<string[]> => {
    const names = await readdir(paths.vms).catch(emptyIfMissing)
    return names.filter((name) => vmIdSchema.safeParse(name).success).toSorted()
  }

  return {
    ids,
    locked,
    loadRecord,
    loadState: (id) => load(id, stateFile(paths, id)),

    create: (record, admit) =>
      withFileLock(join(paths.vms, '.create.lock'), async () => {
        const loaded = await Promise.all((await ids()).map(loadRecord))
        admit(loaded.flatMap((found) => (found.kind === 'found' ? [found.value] : [])))
        await mkdir(paths.vm(record.id).dir, { mode: 0o700 })
        await writeFileAtomic(paths.vm(record.id).spec, asJson(record))
      }),

    updateRecord: (id, change) =>
      locked(id, async () => {
        const found = await loadLocked(recordFile(paths, id))
        if (found.kind === 'missing') throw notFound(id)
        if (found.kind === 'damaged') throw found.error
        const next = vmRecordSchema.parse(change(found.value))
        await writeFileAtomic(paths.vm(id).spec, asJson(next))
        return next
      }),

    updateState: (id, change) =>
      locked(id, async () => {
        const found = await loadLocked(stateFile(paths, id))
        if (found.kind === 'damaged' && found.error.code !== 'STATE_CORRUPT') throw found.error
        const current = found.kind === 'found' ? found.value : initialState
        const next = await change(current)
        if (next === undefined) return current
        await writeFileAtomic(paths.vm(id).state, asJson(next)).catch((error: unknown) => {
          throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? notFound(id) : error
        })
        return next
      }),
  }
}

interface VersionedFile<T> {
  readonly path: string
  readonly schema: z.ZodType<T>
  readonly version: number
}

const recordFile = (paths: DataPaths, id: string): VersionedFile<VmRecord> => ({
  path: paths.vm(id).spec,
  schema: vmRecordSchema,
  version: RECORD_VERSION,
})

const stateFile = (paths: DataPaths, id: string): VersionedFile<VmState> => ({
  path: paths.vm(id).state,
  schema: vmStateSchema,
  version: STATE_VERSION,
})

/** The caller holds the machine's lock. */
async function loadLocked<T>(file: VersionedFile<T>): Promise<Loaded<T>> {
  const found = await examineJson(file.path, file.schema, file.version)
  if (found.kind !== 'corrupt') return found
  return { kind: 'damaged', error: await setAside(file.path, found.reason) }
}

function notFound(id: string): MicrovmError {
  return new MicrovmError('NOT_FOUND', `there is no machine ${id} any more`)
}

const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function emptyIfMissing(error: unknown): string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
  throw error
}
