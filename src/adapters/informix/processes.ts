import { setTimeout as wait } from 'node:timers/promises'
import { type Connection, type ConnectionOptions, type Deadline, msUntil, openConnection } from './connection.ts'
import { type Driver, type DriverOptions, startDriver } from './driver.ts'

export type Processes = {
  /** In the process that holds the fewest connections; one that was given up is replaced. */
  open(deadline: Deadline): Promise<Connection>
  close(): Promise<void>
}

/** `count` processes share the connections of one pool: one that must be killed takes its own along and no more. */
export function driverProcesses(
  count: number,
  { start = startDriver, onStart = () => undefined, ...options }: ConnectionOptions & DriverOptions & Starting,
): Processes {
  const slots: Slot[] = Array.from({ length: count }, () => ({ driver: null, connections: 0 }))
  const maxConnections = Math.ceil(options.maxConnections / count) + 1
  const started = new Set<Driver>()
  let closed = false
  const driverOf = (slot: Slot): Driver => {
    if (slot.driver?.isWhole()) return slot.driver
    const driver = start({ ...options, maxConnections })
    onStart()
    started.add(driver)
    if (slot.driver) started.delete(slot.driver)
    Object.assign(slot, { driver, connections: 0 })
    return driver
  }
  return {
    async open(deadline) {
      if (closed) throw new Error('closed')
      const slot = slots.reduce((best, each) => (each.connections < best.connections ? each : best))
      const driver = driverOf(slot)
      slot.connections += 1
      const leave = () => {
        if (slot.driver === driver) slot.connections -= 1
      }
      try {
        const connection = await untilNotTooBusy(() => openConnection(driver, options, deadline), deadline)
        return { ...connection, close: () => connection.close().finally(leave) }
      } catch (error) {
        leave()
        throw error
      }
    },
    async close() {
      closed = true
      await Promise.all([...started].map((driver) => driver.end()))
    },
  }
}
/** `onStart`: called whenever a process is started. */
type Starting = { start?: typeof startDriver; onStart?(): void }
type Slot = { driver: Driver | null; connections: number }

/** -908, -930, -27001: a server that is too busy refuses at once, and lets in whoever comes a little later. */
const TOO_BUSY = [-908, -930, -27001]
const FIRST_PAUSE_MS = 25
const MAX_TRIES = 5

/** Pauses of 25 ms · 2ⁿ, with jitter: sixteen times the first, at most. */
export async function untilNotTooBusy<Result>(open: () => Promise<Result>, deadline: Deadline): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await open()
    } catch (error) {
      const { sqlcode } = Object((error as Error).cause) as { sqlcode?: number }
      const pauseMs = FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2)
      if (!TOO_BUSY.includes(sqlcode ?? 0) || tries === MAX_TRIES || msUntil(deadline) <= pauseMs) throw error
      await wait(pauseMs)
    }
  }
}
