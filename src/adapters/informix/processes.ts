import { again } from './again.ts'
import { type Connection, type ConnectionOptions, type Deadline, openConnection } from './connection.ts'
import { type Driver, type DriverOptions, startDriver } from './driver.ts'
import { isTooBusy } from './errors.ts'

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
        const connection = await again(() => openConnection(driver, options, deadline), isTooBusy, deadline)
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
