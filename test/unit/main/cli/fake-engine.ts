// SPDX-License-Identifier: Apache-2.0
// An engine whose machines are one SSH server on this host: what the command line does with an
// engine can be seen without a virtual machine.
import { MicrovmError } from '../../../../src/contract/errors'
import type { VmView } from '../../../../src/contract/ipc'
import { vmSpecSchema } from '../../../../src/contract/vm-spec'
import type { Engine, Machines } from '../../../../src/main/engine'
import { connectGuest } from '../../../../src/main/ssh/connect-guest'
import type { VmKeys } from '../../../../src/main/ssh/keys'
import { initialState } from '../../../../src/main/state/vm-files'
import type { FakeGuest } from '../ssh/fake-guest'

export interface FakeEngine extends Engine {
  readonly vms: Map<string, VmView>
  /** What was asked for, in order: "create web", "start web" … */
  readonly log: string[]
  readonly overrides: Partial<Machines>
}

export function fakeEngine(guest: FakeGuest, keys: VmKeys): FakeEngine {
  const vms = new Map<string, VmView>()
  const log: string[] = []
  const overrides: Partial<Machines> = {}
  const endpoint = { apiSocket: '/unused', guestIp: '192.168.127.2', guestPort: 22 }

  const get = (name: string): VmView => {
    const vm = [...vms.values()].find(({ id, spec }) => id === name || spec.name === name)
    if (vm === undefined) throw new MicrovmError('NOT_FOUND', `there is no machine ${name}`)
    return vm
  }
  const become = (id: string, status: VmView['state']['status'], what: string): VmView => {
    const vm = get(id)
    log.push(`${what} ${vm.spec.name}`)
    const next = { ...vm, state: { ...vm.state, status } }
    vms.set(vm.id, next)
    return next
  }
  const machines = {
    list: async () => [...vms.values()],
    get: async (name: string) => get(name),
    suggestName: async () => 'brave-otter',
    create: async (input: object) => {
      const spec = vmSpecSchema.parse(input)
      const id = String(vms.size + 1).padStart(12, '0')
      vms.set(id, { id, spec, state: initialState, createdAt: 1 })
      log.push(`create ${spec.name}`)
      return get(id)
    },
    start: async (id: string, options: Parameters<Machines['start']>[1]) => {
      options?.onProgress?.({ stage: 'image', message: 'Pulling it' })
      return become(id, 'running', 'start')
    },
    stop: async (id: string) => become(id, 'stopped', 'stop'),
    remove: async (id: string) => {
      log.push(`remove ${get(id).spec.name}`)
      vms.delete(get(id).id)
    },
    connect: () => connectGuest(guest, endpoint, keys),
    setPorts: async (id: string, ports: VmView['spec']['ports']) => {
      const vm = get(id)
      vms.set(vm.id, { ...vm, spec: { ...vm.spec, ports: [...ports] } })
      return get(id)
    },
    readConsole: async () => 'console text\n',
  }
  return {
    vms,
    log,
    overrides,
    machines: new Proxy(machines, {
      get: (own, name) => Reflect.get(overrides, name) ?? Reflect.get(own, name),
    }) as unknown as Machines,
    images: Object.assign(Object.create(null) as Engine['images'], { list: async () => [] }),
    disks: Object.create(null) as Engine['disks'],
    browser: Object.create(null) as Engine['browser'],
    logins: {
      find: async () => undefined,
      list: async () => [],
      login: async ({ registry, username, password, plainHttp }) => {
        log.push(`login ${registry} ${username} ${password}${plainHttp ? ' plain' : ''}`)
        return { registry, username, keeper: 'docker', lasting: true }
      },
      logout: async (registry) => registry === 'docker.io',
    },
    registrySettings: Object.create(null) as Engine['registrySettings'],
    doctor: async () => ({ checks: [{ name: 'QEMU', status: 'failed', detail: 'missing' }] }),
    close: async () => void log.push('close'),
  }
}
