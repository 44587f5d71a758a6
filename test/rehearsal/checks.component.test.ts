import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { until } from '../support/service.ts'
import { type Answered, asker } from './asker.ts'
import { NOBODY, startBalancer } from './balancer.ts'
import { flatness, type Measure } from './flatness.ts'
import { ledgerOf } from './ledger.ts'

const PERSONS = { authorization: 'Bearer none' }

function answered(body: object, headers: Record<string, string> = {}, sentAtMs = 100_000): Answered {
  const header = (name: string) => headers[name] ?? null
  return { sentAtMs, atMs: sentAtMs, pod: 'api-1', status: 200, header, text: JSON.stringify(body) }
}

test('the ledger: a version that is skipped or seen again is a command that was lost, or done twice', () => {
  const ledger = ledgerOf()
  ledger.begin(1, 5, null)
  assert.equal(ledger.acknowledge(1, 'Baker', answered({ version: 6 })), null)
  assert.match(ledger.acknowledge(1, 'Cook', answered({ version: 6 })) ?? '', /done twice/)
  assert.match(ledger.acknowledge(1, 'Cook', answered({ version: 8 })) ?? '', /lost/)
})

test('the ledger: an answer that is older than what was acknowledged is told, and one that never was', () => {
  const ledger = ledgerOf()
  ledger.begin(1, 5, null)
  ledger.acknowledge(1, 'Baker', answered({ version: 6 }, {}, 1_000))
  const judge = (version: number, jobTitle: string | null, from: string, sentAtMs: number, least = 0) =>
    ledger.judge(1, least, answered({ userId: 1, version, jobTitle }, { 'read-from': from }, sentAtMs))
  assert.equal(judge(6, 'Baker', 'redis', 1_001), null)
  assert.match(judge(5, null, 'redis', 1_001) ?? '', /6 must be shown/)
  // A near cache of another process may be told a moment later, and no later than it can prove.
  assert.equal(judge(5, null, 'near', 1_500), null)
  assert.match(judge(5, null, 'near', 2_500) ?? '', /6 must be shown/)
  assert.match(judge(5, null, 'near', 1_500, 6) ?? '', /6 must be shown/)
  assert.match(judge(6, 'Cook', 'redis', 1_001) ?? '', /which was "Baker"/)
})

/** With noise of a tenth of the limits, and every tenth value a peak. */
function series(what: Measure, valueAt: (share: number) => number) {
  const points = Array.from({ length: 180 }, (_, i) => {
    return { atS: i * 10, value: valueAt(i / 180) + (i % 7) / 7 + (i % 10 === 0 ? 30 : 0) }
  })
  return flatness({ who: 'api-1', what, points })
}

test('what warms up and then stays is flat; what grows all the time is not, and neither is what grew and stayed so', () => {
  assert.equal(series('RSS MiB', (share) => 200 + 60 * Math.min(1, share * 8)).flat, true)
  assert.equal(series('RSS MiB', (share) => 200 + 60 * share).flat, false)
  assert.equal(series('RSS MiB', (share) => 200 + (share > 0.55 ? 60 : 0)).flat, false)
  assert.equal(series('open files', (share) => 50 + 20 * share).flat, false)
  assert.equal(series('CPU %', (share) => 50 * share).flat, null)
})

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('the balancer sends to whom it knows, keeps what it has sent, and resets who has nobody', async (t) => {
  const balancer = await startBalancer({ roll: dice(mulberry32(1)), propagation: { leastMs: 1, mostMs: 5 } })
  t.after(balancer.close)
  const servers = ['a', 'b'].map((name) => createServer((_request, answer) => answer.end(name)))
  t.after(() => {
    for (const server of servers) server.close()
  })
  const [portA = 0, portB = 0] = await Promise.all(servers.map(listening))
  const client = (keepAlive: boolean) => {
    const own = asker({ ...balancer, credentials: PERSONS, keepAlive, limitMs: 10_000 })
    t.after(own.close)
    return async () => {
      const answer = await own.ask({ method: 'GET', path: '/' })
      return 'reason' in answer ? { said: answer.reason, pod: answer.pod } : { said: answer.text, pod: answer.pod }
    }
  }
  const [kept, passing] = [client(true), client(false)]
  assert.deepEqual(await passing(), { said: 'ECONNRESET', pod: NOBODY })
  balancer.tell('a', portA)
  await until('a is known', async () => balancer.knows('a'))
  assert.deepEqual(await kept(), { said: 'a', pod: 'a' })
  balancer.tell('b', portB)
  balancer.tell('a', null)
  await until('only b is known', async () => balancer.knows('b') && !balancer.knows('a'))
  assert.deepEqual(
    [await kept(), await passing()],
    [
      { said: 'a', pod: 'a' },
      { said: 'b', pod: 'b' },
    ],
  )
})

test('a client repeats what was silently closed on a connection that was used before, and nothing else', async (t) => {
  let requests = 0
  const server = createServer((request, answer) => {
    requests += 1
    if (requests === 1) return void answer.end('well')
    if (requests === 3) answer.write('half')
    setImmediate(() => request.socket.destroy())
  })
  t.after(() => server.close())
  const port = await listening(server)
  const own = asker({ port, podOf: () => 'a', credentials: PERSONS, keepAlive: true, limitMs: 10_000 })
  t.after(own.close)
  const ask = () => own.ask({ method: 'GET', path: '/' })
  const mayRepeat = async () => {
    const answer = await ask()
    return 'reason' in answer ? answer.mayRepeat : null
  }
  assert.deepEqual(
    [await mayRepeat(), await mayRepeat(), await mayRepeat(), await mayRepeat()],
    [null, true, false, false],
  )
})
