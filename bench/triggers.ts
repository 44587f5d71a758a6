import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConnection } from '../src/adapters/sqlite/connection.ts'
import { createTables, createTriggers } from '../src/adapters/sqlite/schema.ts'

// What the triggers cost a program that writes: the same updates on two embedded databases, side by side.

const UPDATES = 20_000
const USERS = 1_000
const ROUNDS = 5

const folder = mkdtempSync(join(tmpdir(), 'users-service-triggers-'))
try {
  const opened = (name: string, withTriggers: boolean) => {
    const connection = openConnection(join(folder, name), { readOnly: false })
    createTables(connection)
    if (withTriggers) createTriggers(connection)
    const insert = `INSERT INTO users (username, given_name, family_name, created_at, updated_at) VALUES (?, 'a', 'b', '-', '-')`
    for (let n = 1; n <= USERS; n += 1) connection.run(insert, [`user.${n}`])
    return connection
  }
  const [bare, counted] = [opened('bare.db', false), opened('counted.db', true)]
  const microseconds = (connection: typeof bare, round: number) => {
    const started = performance.now()
    connection.exec('BEGIN')
    for (let n = 0; n < UPDATES; n += 1) {
      connection.run('UPDATE users SET phone = ? WHERE user_id = ?', [`${round} ${n}`, 1 + (n % USERS)])
    }
    connection.exec('COMMIT')
    return ((performance.now() - started) * 1_000) / UPDATES
  }
  const rounds = Array.from({ length: ROUNDS }, (_, round) => [microseconds(bare, round), microseconds(counted, round)])
  for (const [index, what] of ['without triggers', 'with triggers'].entries()) {
    const all = rounds.map((pair) => pair[index] ?? 0).sort((a, b) => a - b)
    process.stdout.write(`${what}: ${all.map((each) => each.toFixed(1)).join(', ')} µs an update\n`)
  }
  bare.close()
  counted.close()
} finally {
  rmSync(folder, { recursive: true })
}
