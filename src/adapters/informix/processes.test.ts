import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deadlineIn } from './connection.ts'
import { type Driver, DriverFailure } from './driver.ts'
import { driverProcesses } from './processes.ts'

const SETTINGS = { connectionString: '', setUp: [], checkSql: '', maxConnections: 1, environment: {} }

/** Opens a connection where the server refuses with these codes, one after the other, and then lets in. */
async function opened(t: { after(end: () => unknown): void }, ...codes: number[]) {
  let asked = 0
  const driver: Driver = {
    async call() {
      asked += 1
      const code = codes.shift()
      if (code !== undefined) throw new DriverFailure({ code, state: '', text: '' })
      return null
    },
    giveUp: () => undefined,
    isWhole: () => true,
    end: async () => undefined,
    pid: undefined,
  }
  const processes = driverProcesses(1, { ...SETTINGS, start: () => driver })
  t.after(() => processes.close())
  const outcome = await processes.open(deadlineIn(60_000)).then(
    () => 'in',
    (error) => error.name,
  )
  return { outcome, asked }
}

test('a server that is too busy is asked again, a few times; another refusal is final', async (t) => {
  t.mock.method(Math, 'random', () => 0)
  assert.deepEqual(await opened(t, -908, -27001), { outcome: 'in', asked: 3 })
  assert.deepEqual(await opened(t, -908, -930, -908, -930, -908), { outcome: 'SqlError', asked: 5 })
  assert.deepEqual(await opened(t, -951), { outcome: 'SqlError', asked: 1 })
})
