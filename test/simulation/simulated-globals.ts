import type { Schedule } from './schedule.ts'

const BEGINNING = Date.parse('2024-01-01T00:00:00.000Z')

/** The time that passes in a simulation: only when somebody says so. */
export type Time = { nowMs: number }

/**
 * Puts the schedule and its time in the place of what code finds in the global object, until `restore`: the turn of the
 * event loop that batches wait for, and the clock. Whose turn it is nobody can tell, so a dead process's turn comes, too:
 * what it then asks for is never answered.
 */
export function simulateGlobals(schedule: Schedule, time: Time): { restore(): void } {
  const { setImmediate } = globalThis
  const { now } = Date
  const { now: monotonic } = performance
  const turn = (callback: () => void) => {
    schedule.add('turn', callback.name, callback)
  }
  globalThis.setImmediate = turn as unknown as typeof setImmediate
  Date.now = () => BEGINNING + time.nowMs
  performance.now = () => time.nowMs
  return {
    restore() {
      globalThis.setImmediate = setImmediate
      Date.now = now
      performance.now = monotonic
    },
  }
}

/** Database time, as the ports have it. */
export function stamp(ms: number): string {
  return new Date(BEGINNING + ms).toISOString().replace('T', ' ').slice(0, -1)
}
