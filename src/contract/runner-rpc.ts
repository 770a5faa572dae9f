// SPDX-License-Identifier: Apache-2.0
// What app (or CLI) and runner say to each other: JSON-RPC 2.0 with vscode-jsonrpc's framing over
// the runner's 0600 Unix socket. Any number of clients; every client gets every event.
// Errors travel as JSON-RPC errors whose `data` is a WireError.
import { z } from 'zod'
import { portForwardSchema } from './vm-spec'
import { vmStateSchema, vmStatsSchema } from './vm-state'

export const RUNNER_SOCKET = 'runner.sock'

const nothing = z.object({})

export const runnerRequests = {
  /** The whole observed state, now. */
  status: { params: nothing, result: vmStateSchema },
  /** Returns when the machine is off. `force` skips asking the guest. */
  stop: { params: z.object({ force: z.boolean() }), result: vmStateSchema },
  /** Sets the forwards; those missing are removed. All or none: on failure the old set stays. Returns real host ports. */
  setPorts: {
    params: z.object({ ports: z.array(portForwardSchema) }),
    result: z.object({ ports: z.array(portForwardSchema) }),
  },
  /** gvproxy's API socket and the guest's address: what an SSH client needs for `/tunnel`. */
  sshEndpoint: {
    params: nothing,
    result: z.object({ apiSocket: z.string(), guestIp: z.string(), guestPort: z.number() }),
  },
  /** Continue a paused machine (after a full disk). */
  resume: { params: nothing, result: vmStateSchema },
} as const

/** Notifications from runner to client. */
export const runnerEvents = {
  state: vmStateSchema,
  stats: vmStatsSchema,
} as const

export type RunnerMethod = keyof typeof runnerRequests
export type RunnerParams<M extends RunnerMethod> = z.infer<(typeof runnerRequests)[M]['params']>
export type RunnerResult<M extends RunnerMethod> = z.infer<(typeof runnerRequests)[M]['result']>
