// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest'
import { ConnectionPool, type TerminalConnection } from '../../../../src/main/ipc/connection-pool'

function connection() {
  const listeners: (() => void)[] = []
  return {
    close: vi.fn(),
    onClose: (listener: () => void) => void listeners.push(listener),
    breakDown: () => listeners.forEach((listener) => listener()),
    exec: vi.fn(),
  } satisfies TerminalConnection & { breakDown(): void }
}

function setUp() {
  const made: ReturnType<typeof connection>[] = []
  const connect = vi.fn(async (_id: string): Promise<TerminalConnection> => {
    const one = connection()
    made.push(one)
    return one
  })
  return { pool: new ConnectionPool(connect), made, connect }
}

const leases = (pool: ConnectionPool, id: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => pool.lease(id)))

describe('ConnectionPool', () => {
  it('shares one connection among ten, even when all ask at once', async () => {
    const { pool, connect } = setUp()
    const got = await leases(pool, 'vm', 10)
    expect(connect).toHaveBeenCalledOnce()
    expect(new Set(got.map((lease) => lease.connection)).size).toBe(1)
  })

  it('opens a second for the eleventh', async () => {
    const { pool, connect } = setUp()
    await leases(pool, 'vm', 11)
    expect(connect).toHaveBeenCalledTimes(2)
  })

  it('fills a place that was given back', async () => {
    const { pool, connect } = setUp()
    const [first] = await leases(pool, 'vm', 10)
    first!.release()
    await pool.lease('vm')
    expect(connect).toHaveBeenCalledOnce()
  })

  it('shares nothing between machines', async () => {
    const { pool, connect } = setUp()
    await pool.lease('one')
    await pool.lease('two')
    expect(connect.mock.calls).toEqual([['one'], ['two']])
  })

  it('closes a connection with its last lease, not before, and counts a lease once', async () => {
    const { pool, made } = setUp()
    const [first, second] = await leases(pool, 'vm', 2)
    first!.release()
    first!.release()
    expect(made[0]!.close).not.toHaveBeenCalled()
    second!.release()
    expect(made[0]!.close).toHaveBeenCalledOnce()
  })

  it('does not hand out a connection that broke', async () => {
    const { pool, made, connect } = setUp()
    await pool.lease('vm')
    made[0]!.breakDown()
    await pool.lease('vm')
    expect(connect).toHaveBeenCalledTimes(2)
  })

  it('tells everyone who waited that connecting failed, and tries anew for the next', async () => {
    const { pool, connect } = setUp()
    connect.mockRejectedValueOnce(new Error('no answer'))
    const outcomes = await Promise.allSettled([pool.lease('vm'), pool.lease('vm')])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
    await expect(pool.lease('vm')).resolves.toBeDefined()
  })
})
