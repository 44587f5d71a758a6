import type { DatabaseSync } from 'node:sqlite'
import type { Dice } from '../../src/jobs/seed/random.ts'

/** So seldom that a change that is lost is not made good at once by another of the same user. */
const EVERY_MS = 20
const MAX_A_TRANSACTION = 6
/** One that everybody else changes as well. */
const BUSIEST = 1
const BUSY = 5

/** An older program that writes all the time, past the service. */
export function startWriter(database: DatabaseSync, users: number, roll: Dice) {
  const rename = database.prepare('UPDATE users SET job_title = ? WHERE user_id = ?')
  const prefer = database.prepare('UPDATE user_preferences SET preference_value = ? WHERE user_id = ?')
  const title = database.prepare('UPDATE roles SET title = ? WHERE role = ?')
  let writes = 0
  let paused = false
  const write = () => {
    try {
      database.exec('BEGIN IMMEDIATE')
    } catch (error) {
      // Somebody who was stopped holds the database: so does this writer wait.
      if ((error as { errcode?: number }).errcode === BUSY) return
      throw error
    }
    const rows = 1 + roll.below(MAX_A_TRANSACTION)
    for (let row = 0; row < rows; row += 1) {
      writes += 1
      const userId = roll.chance(0.1) ? BUSIEST : 1 + roll.below(users)
      if (roll.chance(0.01)) title.run(`Title ${writes}`, 'cashier')
      else if (roll.chance(0.2)) prefer.run(`value ${writes}`, userId)
      else rename.run(`Title ${writes}`, userId)
    }
    database.exec('COMMIT')
  }
  const timer = setInterval(() => {
    if (!paused) write()
  }, EVERY_MS)
  return {
    writes: () => writes,
    pause: () => {
      paused = true
    },
    resume: () => {
      paused = false
    },
    stop: () => clearInterval(timer),
  }
}
