import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { freePort } from './free-port.ts'

const MANY = 200
/** The first that Linux gives to outgoing connections. */
const FIRST_OF_CALLS = 32_768

async function listenOn(t: TestContext, port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
}

test('each port is free, another one, and none that calls are given', async (t) => {
  const ports = await Promise.all(Array.from({ length: MANY }, () => freePort()))
  assert.equal(new Set(ports).size, MANY)
  assert.deepEqual(
    ports.filter((port) => port >= FIRST_OF_CALLS),
    [],
  )
  for (const port of ports) await listenOn(t, port)
})

test('one that is taken, or was given before, is passed over; it ends where all are', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const inTheWay = [(taken.address() as AddressInfo).port, await freePort()]
  const picked = [...inTheWay]
  const found = await freePort(() => picked.shift() ?? randomInt(20_000, FIRST_OF_CALLS))
  assert.deepEqual([picked, inTheWay.includes(found)], [[], false])
  await assert.rejects(
    freePort(() => found),
    /^Error: no free port among 100$/,
  )
})
