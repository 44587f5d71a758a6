import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { callerWith, EMPLOYMENT, IGNORED, LATER_MS, respond } from '../test/neighbours/rig.ts'
import { startFaultServer } from '../test/support/fault-server.ts'
import { quiet, until } from '../test/support/service.ts'
import type { NeighboursConfig } from './config-neighbours.ts'
import type { ExpiringKeys } from './ports/redis.ts'
import { LIMITS, MAX_ANSWER_BYTES, wireNeighbours } from './wiring-neighbours.ts'

const CONCURRENT = 8

/** people-service, and a Redis that has a copy of everybody, `ageMs` old. */
async function stage(t: TestContext, copy: { ageMs: number; employeeNumber(id: string): string }) {
  const server = await startFaultServer(respond)
  t.after(server.close)
  const one = { url: server.url, callMs: LATER_MS, attemptMs: LATER_MS, concurrent: CONCURRENT }
  const config: NeighboursConfig = {
    ...{ branches: { ...one, url: null }, people: one },
    ...{ profileDeadlineMs: LATER_MS, freshMs: LATER_MS, staleMs: LATER_MS },
  }
  const redis: ExpiringKeys = {
    async getExpiring(key) {
      const [, id = ''] = /:([^:]+)\}/.exec(key) ?? []
      const value = { ...EMPLOYMENT, employeeNumber: copy.employeeNumber(id) }
      return JSON.stringify({ at: Date.now() - copy.ageMs, value })
    },
    setFor: async () => undefined,
    claim: async () => true,
    release: async () => undefined,
  }
  let attempts = 0
  const attempted = () => {
    attempts += 1
  }
  const { queries, close } = wireNeighbours({ config, redis, observer: { ...IGNORED, attempted }, log: quiet })
  t.after(close)
  return { server, attempts: () => attempts, read: (id: string) => queries.employments.read([id], callerWith()) }
}

test('refreshes take a quarter of the calls that a neighbour may have', async (t) => {
  const { server, attempts, read } = await stage(t, { ageMs: 0.75 * LATER_MS, employeeNumber: (id) => id })
  await server.set({ kind: 'blackhole' })
  for (let n = 1; n <= CONCURRENT; n += 1) {
    const found = await read(`E-${n}`)
    assert.equal(found.get(`E-${n}`)?.state, 'fresh')
  }
  await until('they have arrived', async () => server.unanswered() >= CONCURRENT / 4)
  assert.equal(attempts(), CONCURRENT / 4)
})

test('a copy of somebody else is not shown, but asked for', async (t) => {
  const { server, read } = await stage(t, { ageMs: 0, employeeNumber: () => 'E-2' })
  assert.deepEqual((await read('E-1')).get('E-1'), { state: 'fresh', value: EMPLOYMENT })
  assert.equal((await read('E-2')).get('E-2')?.state, 'fresh')
  assert.equal(server.arrived(), 1)
})

test('the limits are those that the documentation tells of', async () => {
  const { waiting, attempts, firstPauseMs, longestPauseMs, connectMs, budget, circuit } = LIMITS
  const document = await readFile(join(import.meta.dirname, '..', 'docs', 'resilience.md'), 'utf8')
  for (const words of [
    `${waiting} more wait`,
    `${attempts - 1} at most, after 0–${firstPauseMs} and 0–${Math.min(longestPauseMs, 2 * firstPauseMs)} ms`,
    `connecting ${connectMs} ms`,
    `at most ${MAX_ANSWER_BYTES.branches / 1_024} KiB (branches) or ${MAX_ANSWER_BYTES.people / 1_024} KiB (people)`,
    `at least ${circuit.leastCalls} calls in ${circuit.windowMs / 1_000} s`,
    `open for ${circuit.openMs / 1_000} s`,
  ]) {
    assert.ok(document.includes(words), words)
  }
  assert.equal(circuit.illPercent, 50, 'more than half')
  assert.deepEqual(budget, { share: 0.1, calls: 10 }, 'one for ten answered calls, one saved')
})
