import { type Connection, type ConnectionOptions, type Deadline, openConnection } from './connection.ts'
import { type Driver, type DriverOptions, startDriver } from './driver.ts'

export type Processes = {
  /** In the process that holds the fewest connections; one that was given up is replaced. */
  open(deadline: Deadline): Promise<Connection>
  close(): Promise<void>
}

/** `count` processes share the connections of one pool: one that must be killed takes its own along and no more. */
export function driverProcesses(count: number, options: ConnectionOptions & DriverOptions): Processes {
  const slots: Slot[] = Array.from({ length: count }, () => ({ driver: null, connections: 0 }))
  const maxConnections = Math.ceil(options.maxConnections / count) + 1
  const started = new Set<Driver>()
  let closed = false
  const driverOf = (slot: Slot): Driver => {
    if (slot.driver?.isWhole()) return slot.driver
    const driver = startDriver({ ...options, maxConnections })
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
        const connection = await openConnection(driver, options, deadline)
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
type Slot = { driver: Driver | null; connections: number }
