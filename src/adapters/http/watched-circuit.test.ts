import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type Verdict } from './failure.ts'
import { watchedCircuit } from './watched-circuit.ts'

const LIMITS = { leastCalls: 2, illPercent: 50, windowMs: 5_000, openMs: 1_000 }

test('each change is said once, in words that are so; since when it is asked or not does not move between', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  const said: string[] = []
  const states: string[] = []
  const to = (level: string) => (_fields: object, message: string) => void said.push(`${level} ${message}`)
  const log = { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') }
  const observer = {
    ended: () => undefined,
    attempted: () => undefined,
    changed: (_neighbour: string, state: string) => void states.push(state),
  }
  const breaker = watchedCircuit({ neighbour: 'people-service', limits: LIMITS, log, observer })
  t.after(breaker.stop)
  const went = (verdict: Verdict | null) =>
    breaker
      .run(async () => {
        if (verdict !== null) throw new Failure('people-service', 'timeout', { verdict })
      })
      .catch(() => undefined)
  const sinceMs = () => Date.parse(breaker.report().since)

  assert.equal(sinceMs(), 0)
  await went('ill')
  await went('ill')
  t.mock.timers.tick(1_000)
  await went('ill')
  t.mock.timers.tick(1_000)
  assert.equal(sinceMs(), 0, 'it opened then')
  await went(null)
  assert.equal(sinceMs(), 2_000)
  t.mock.timers.tick(500)
  breaker.force('closed')
  breaker.force(null)
  assert.equal(sinceMs(), 2_000)
  breaker.force('open')
  breaker.force('closed')
  assert.equal(sinceMs(), 2_500)
  assert.deepEqual(said, [
    'warn a neighbour is not asked any more',
    'info a neighbour is asked again',
    'warn a neighbour is asked, however ill it is',
    'info a neighbour’s breaker decides by itself again',
    'warn a neighbour is not asked any more',
    'warn a neighbour is asked, however ill it is',
  ])
  assert.deepEqual(states, [
    ...['open', 'half-open', 'open', 'half-open', 'closed'],
    'closed',
    'closed',
    'open',
    'closed',
  ])
})
