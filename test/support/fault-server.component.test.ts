import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { type Fault, HUGE_BYTES, UNRESOLVABLE_URL } from './fault-kinds.ts'
import { constantMs, exponentialMs, lognormalMs, uniformMs } from './fault-latency.ts'
import { type FaultServer, MAX_KEPT, startFaultServer } from './fault-server.ts'
import { until } from './service.ts'
import { many } from './users.ts'

const RIGHT = { branches: [{ branchId: 'B001', name: 'Łódź' }] }
const RIGHT_JSON = JSON.stringify(RIGHT)
const RIGHT_BYTES = Buffer.byteLength(RIGHT_JSON)
const TEST_LIMIT_MS = 30_000
/** More than the two ends of a connection on loopback hold, and far less than 100 MB. */
const BUFFERED_BYTES = 20_000_000
const MORE_MEMORY_BYTES = 30_000_000

async function startServer(t: TestContext, fault: Fault | null = null): Promise<FaultServer> {
  const server = await startFaultServer(() => ({ status: 200, body: RIGHT }))
  t.after(server.close)
  await server.set(fault)
  return server
}

function keepAlive(t: TestContext): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  return agent
}

type Heard = {
  status: number
  headers: IncomingMessage['headers']
  body: string
  failure: string | null
  reused: boolean
}

/** What an ordinary client hears. Rejects when there is not even a head. */
async function ask(url: string, agent?: Agent): Promise<Heard> {
  const request = get(url, { agent: agent ?? false })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject)
  })
  const { statusCode: status = 0, headers } = response
  const parts: Buffer[] = []
  let failure: string | null = null
  try {
    for await (const part of response) parts.push(part)
  } catch (error) {
    failure = String((error as { code?: string }).code)
  }
  return { status, headers, body: Buffer.concat(parts).toString(), failure, reused: request.reusedSocket }
}

/** What comes over a bare connection after one request, and how that ends. */
async function askBare(url: string): Promise<{ text: string; end: string }> {
  const socket = connectTo(url)
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  const end = await once(socket, 'end').then(
    () => 'FIN',
    (error) => String(error.code),
  )
  socket.destroy()
  return { text: Buffer.concat(parts).toString(), end }
}

function connectTo(url: string, more: Pick<TcpNetConnectOpts, 'onread'> = {}): Socket {
  const { hostname: host, port } = new URL(url)
  const socket = connect({ host, port: Number(port), ...more }).on('error', () => undefined)
  socket.write('GET /a HTTP/1.1\r\nHost: neighbour\r\n\r\n')
  return socket
}

const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)
const resources = (which: string): number => process.getActiveResourcesInfo().filter((name) => name === which).length
const timers = (): number => resources('Timeout')
const connections = (): number => resources('TCPSocketWrap')
const code = (expected: string) => ({ code: expected })

describe('a healthy one', { timeout: TEST_LIMIT_MS }, () => {
  test('answers as it is told to, over a connection that stays', async (t) => {
    const server = await startFaultServer(({ method, path, headers }) => ({
      status: 418,
      body: { method, path, trace: headers.traceparent ?? null },
    }))
    t.after(server.close)
    const agent = keepAlive(t)
    const first = await ask(`${server.url}/branches?ids=B001`, agent)
    assert.equal(first.status, 418)
    assert.equal(first.headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(first.body), { method: 'GET', path: '/branches?ids=B001', trace: null })
    assert.equal((await ask(`${server.url}/a`, agent)).reused, true)
  })

  test('knows what has arrived since the last reset, and keeps the last of it', async (t) => {
    const server = await startServer(t)
    const agent = keepAlive(t)
    for (let n = 0; n < MAX_KEPT + 1; n += 1) await ask(`${server.url}/${n}?a=b`, agent)
    assert.equal(server.arrived(), MAX_KEPT + 1)
    assert.ok(server.sentBytes() > (MAX_KEPT + 1) * RIGHT_BYTES)
    assert.deepEqual(
      server.requests().map(({ path }) => path),
      many(MAX_KEPT, (n) => `/${n + 1}?a=b`),
    )
    assert.equal(server.requests()[0]?.method, 'GET')
    assert.equal(server.requests()[0]?.headers.host, new URL(server.url).host)
    server.reset()
    assert.deepEqual([server.arrived(), server.requests(), server.sentBytes()], [0, [], 0])
    await ask(server.url, agent)
    assert.equal(server.arrived(), 1)
    assert.ok(server.sentBytes() > RIGHT_BYTES && server.sentBytes() < 10 * RIGHT_BYTES)
  })
})

describe('an answer that is wrong', { timeout: TEST_LIMIT_MS }, () => {
  test('resets before headers: no byte comes', async (t) => {
    const server = await startServer(t, { kind: 'reset-before-headers' })
    assert.deepEqual(await askBare(server.url), { text: '', end: 'ECONNRESET' })
    await assert.rejects(ask(server.url), code('ECONNRESET'))
    assert.equal(server.arrived(), 2)
    await until('nothing is open', async () => server.unanswered() === 0)
  })

  for (const [kind, expectedEnd] of [
    ['reset-after-headers', 'ECONNRESET'],
    ['half-body', 'FIN'],
  ] as const) {
    test(`${kind}: half of what the headers promise comes, then ${expectedEnd}`, async (t) => {
      const server = await startServer(t, { kind })
      const { text, end } = await askBare(server.url)
      assert.equal(end, expectedEnd)
      assert.match(text, new RegExp(`^HTTP/1.1 200 OK\r\n.*content-length: ${RIGHT_BYTES}\r\n`, 's'))
      assert.equal(bodyOf(text), RIGHT_JSON.slice(0, Math.floor(RIGHT_BYTES / 2)))
      const heard = await ask(server.url)
      assert.deepEqual([heard.status, heard.failure], [200, 'ECONNRESET'])
      await until('nothing is open', async () => server.unanswered() === 0)
    })
  }

  test('has the wrong type, and is right but for that', async (t) => {
    const server = await startServer(t, { kind: 'wrong-content-type' })
    const { status, headers, body } = await ask(server.url)
    assert.deepEqual([status, headers['content-type'], body], [200, 'text/html; charset=utf-8', RIGHT_JSON])
  })

  test('has the wrong shape', async (t) => {
    const server = await startServer(t, { kind: 'wrong-schema' })
    const { status, headers, body } = await ask(server.url)
    assert.deepEqual([status, headers['content-type']], [200, 'application/json'])
    assert.deepEqual(JSON.parse(body), { unexpected: true })
    await server.set({ kind: 'wrong-schema', body: { branches: 'none' } })
    assert.deepEqual(JSON.parse((await ask(server.url)).body), { branches: 'none' })
  })

  test('is not JSON', async (t) => {
    const server = await startServer(t, { kind: 'not-json' })
    const { status, headers, body, failure } = await ask(server.url)
    assert.deepEqual([status, headers['content-type'], failure], [200, 'application/json', null])
    assert.throws(() => JSON.parse(body), SyntaxError)
  })

  test('is a status, with Retry-After or without', async (t) => {
    const server = await startServer(t)
    for (const status of [401, 404, 429, 500, 503]) {
      await server.set({ kind: 'status', status })
      const heard = await ask(server.url)
      assert.deepEqual([heard.status, heard.headers['retry-after'], heard.failure], [status, undefined, null])
    }
    await server.set({ kind: 'status', status: 503, retryAfter: '120' })
    assert.equal((await ask(server.url)).headers['retry-after'], '120')
  })
})

describe('an answer that is slow', { timeout: TEST_LIMIT_MS }, () => {
  test('comes late, each as late as it is told, and is right', async (t) => {
    const lateness = [80, 1, 40]
    const server = await startServer(t, { kind: 'latency', ms: () => lateness.shift() ?? 0 })
    const began = performance.now()
    const took = await Promise.all(
      many(3, async () => {
        assert.equal((await ask(server.url)).body, RIGHT_JSON)
        return performance.now() - began
      }),
    )
    // Timers count whole milliseconds. In whose order they arrive is open.
    for (const [index, ms] of [1, 40, 80].entries()) {
      assert.ok((took.toSorted((a, b) => a - b)[index] ?? 0) >= ms - 1, `${took}`)
    }
  })

  test('drips: headers at once, then a byte at a time', async (t) => {
    const everyMs = 2
    const server = await startServer(t, { kind: 'drip', everyMs })
    const socket = connectTo(server.url)
    t.after(() => socket.destroy())
    const parts: string[] = []
    const began = performance.now()
    socket.on('data', (part: Buffer) => parts.push(part.toString('latin1')))
    const text = () => parts.join('')
    await until('all has come', async () => bodyOf(text()).length === RIGHT_BYTES)
    assert.ok(performance.now() - began >= RIGHT_BYTES * (everyMs - 1))
    assert.equal(Buffer.from(bodyOf(text()), 'latin1').toString(), RIGHT_JSON)
    // Some may come together where this machine has no time.
    assert.ok(parts.length > RIGHT_BYTES / 4, `in ${parts.length} parts`)
    assert.ok(bodyOf(parts[0] ?? '').length < RIGHT_BYTES / 4)
    assert.equal(server.unanswered(), 0)
  })
})

describe('an answer of 100 MB', { timeout: TEST_LIMIT_MS }, () => {
  test('comes whole to whoever reads it, and takes no memory to speak of', async (t) => {
    const server = await startServer(t, { kind: 'huge' })
    const before = process.memoryUsage()
    let [bytes, mostMemory] = [0, 0]
    const callback = (length: number) => {
      bytes += length
      const { heapUsed, external } = process.memoryUsage()
      mostMemory = Math.max(mostMemory, heapUsed + external - before.heapUsed - before.external)
      return true
    }
    // Read into one buffer: else what the client has thrown away would be counted.
    const socket = connectTo(server.url, { onread: { buffer: Buffer.alloc(65_536), callback } })
    t.after(() => socket.destroy())
    await until('it is answered', async () => server.arrived() === 1 && server.unanswered() === 0, TEST_LIMIT_MS)
    await until('all has come', async () => bytes === server.sentBytes())
    assert.ok(bytes > HUGE_BYTES)
    console.log(mostMemory)
    assert.ok(mostMemory < MORE_MEMORY_BYTES, `${mostMemory} bytes`)
  })

  for (const withLength of [false, true]) {
    test(`is JSON, the right answer in it, ${withLength ? 'of a length that is told' : 'in chunks'}`, async (t) => {
      const server = await startServer(t, { kind: 'huge', bytes: 200_000, withLength })
      const { headers, body, failure } = await ask(server.url)
      assert.equal(failure, null)
      assert.equal(headers['content-length'], withLength ? String(Buffer.byteLength(body)) : undefined)
      assert.ok(body.length > 200_000)
      const { filler, ...rest } = JSON.parse(body)
      assert.deepEqual(rest, RIGHT)
      assert.ok(filler.length > 1_000)
    })
  }

  test('waits for whoever does not read, and ends when they go', async (t) => {
    const server = await startServer(t, { kind: 'huge' })
    const socket = connectTo(server.url).pause()
    t.after(() => socket.destroy())
    await until('the buffers fill', async () => server.sentBytes() > 1_000_000)
    const lengths = new Set<number>()
    await until('it waits', async () => lengths.has(server.sentBytes()) || !lengths.add(server.sentBytes()))
    assert.ok(server.sentBytes() < BUFFERED_BYTES, `${server.sentBytes()} bytes`)
    assert.equal(server.unanswered(), 1)
    socket.destroy()
    await until('nothing is open', async () => server.unanswered() === 0)
    assert.ok(server.sentBytes() < BUFFERED_BYTES)
  })
})

describe('no answer', { timeout: TEST_LIMIT_MS }, () => {
  test('from a black hole, until the client goes', async (t) => {
    const server = await startServer(t, { kind: 'blackhole' })
    const sockets = many(3, () => connectTo(server.url))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
    })
    await until('all have arrived', async () => server.arrived() === 3)
    assert.equal(server.unanswered(), 3)
    sockets[0]?.destroy()
    sockets[1]?.end()
    await until('two have gone', async () => server.unanswered() === 1)
    assert.equal(sockets[2]?.bytesRead, 0)
    assert.equal(server.sentBytes(), 0)
  })

  test('from a port on which nobody listens, which then is the same again', async (t) => {
    const server = await startServer(t)
    const agent = keepAlive(t)
    await ask(server.url, agent)
    const [idle] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])
    await server.set({ kind: 'blackhole' })
    const [hanging] = [ask(server.url)].map((asked) => asked.catch((error) => error.code))
    await until('it has arrived', async () => server.arrived() === 2)

    await server.set({ kind: 'refused' })
    assert.equal(await hanging, 'ECONNRESET')
    await until('what was kept is closed', async () => idle?.destroyed)
    await assert.rejects(ask(server.url), code('ECONNREFUSED'))
    await server.set({ kind: 'refused' })
    await assert.rejects(ask(server.url), code('ECONNREFUSED'))
    assert.equal(server.arrived(), 2)

    await server.set({ kind: 'status', status: 500 })
    assert.equal((await ask(server.url)).status, 500)
    await server.set(null)
    assert.equal((await ask(server.url)).body, RIGHT_JSON)
  })

  test('from a name that is none', async () => {
    await assert.rejects(ask(UNRESOLVABLE_URL), ({ code: how }) => how === 'ENOTFOUND' || how === 'EAI_AGAIN')
  })
})

describe('a fault', { timeout: TEST_LIMIT_MS }, () => {
  test('holds for what arrives later, over old connections too; what is under way keeps its own', async (t) => {
    const server = await startServer(t)
    const agent = keepAlive(t)
    await ask(server.url, agent)
    await server.set({ kind: 'status', status: 503 })
    const { status, reused } = await ask(server.url, agent)
    assert.deepEqual([status, reused], [503, true])

    await server.set({ kind: 'blackhole' })
    const socket = connectTo(server.url)
    t.after(() => socket.destroy())
    await until('it has arrived', async () => server.arrived() === 3)
    await server.set(null)
    assert.deepEqual([(await ask(server.url, agent)).status, server.unanswered()], [200, 1])
  })

  test('hits its share of requests, and always the same ones', async (t) => {
    const sometimes = { kind: 'sometimes', share: 0.3, fault: { kind: 'status', status: 503 } } as const
    const server = await startServer(t)
    const agent = keepAlive(t)
    const codes = async (seed: number) => {
      await server.set({ ...sometimes, seed })
      const heard: number[] = []
      for (let left = 400; left > 0; left -= 1) heard.push((await ask(server.url, agent)).status)
      return heard
    }
    const first = await codes(1)
    assert.deepEqual(await codes(1), first)
    assert.notDeepEqual(await codes(2), first)
    const hit = first.filter((status) => status === 503).length
    assert.ok(hit > 90 && hit < 150, `${hit} of 400`)
    assert.equal(first.filter((status) => status === 200).length, 400 - hit)
  })
})

describe('latencies', () => {
  const DRAWS = 20_000
  const close = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < expected * 0.05, `${actual}, not about ${expected}`)
  const drawn = (next: () => number) => many(DRAWS, () => next()).sort((a, b) => a - b)
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const quantile = (sorted: number[], share: number) => sorted[Math.floor(share * sorted.length)] ?? Number.NaN

  test('are of the distribution that is asked for', () => {
    assert.deepEqual(new Set(many(10, constantMs(7))), new Set([7]))
    const uniform = drawn(uniformMs({ from: 10, to: 30, seed: 1 }))
    assert.ok((uniform[0] ?? 0) >= 10 && (uniform.at(-1) ?? 0) < 30)
    close(mean(uniform), 20)
    close(quantile(uniform, 0.25), 15)
    const exponential = drawn(exponentialMs({ meanMs: 50, seed: 1 }))
    assert.ok((exponential[0] ?? -1) >= 0)
    close(mean(exponential), 50)
    close(quantile(exponential, 0.5), 50 * Math.LN2)
    const lognormal = drawn(lognormalMs({ medianMs: 20, sigma: 1, seed: 1 }))
    close(quantile(lognormal, 0.5), 20)
    close(quantile(lognormal, 0.975), 20 * Math.exp(1.96))
    close(mean(lognormal), 20 * Math.exp(0.5))
  })

  test('of one seed are always the same', () => {
    for (const make of [
      (seed: number) => uniformMs({ from: 0, to: 9, seed }),
      (seed: number) => exponentialMs({ meanMs: 9, seed }),
      (seed: number) => lognormalMs({ medianMs: 9, sigma: 1, seed }),
    ]) {
      assert.deepEqual(many(50, make(3)), many(50, make(3)))
      assert.notDeepEqual(many(50, make(3)), many(50, make(4)))
    }
  })
})

describe('the end', { timeout: TEST_LIMIT_MS }, () => {
  const SLOW: Fault[] = [
    { kind: 'blackhole' },
    { kind: 'latency', ms: () => 600_000 },
    { kind: 'drip', everyMs: 600_000 },
    { kind: 'huge' },
  ]
  for (const fault of SLOW) {
    test(`cuts off what hangs (${fault.kind}), and leaves no timer and nobody on the port`, async (t) => {
      const before = timers()
      const server = await startServer(t, fault)
      const sockets = many(3, () => connectTo(server.url).pause())
      const ended = sockets.map((socket) =>
        once(
          socket.on('error', () => undefined),
          'close',
        ),
      )
      await until('all have arrived', async () => server.unanswered() === 3)
      await server.close()
      for (const socket of sockets) socket.resume()
      await Promise.all(ended)
      assert.equal(server.unanswered(), 0)
      assert.ok(timers() <= before)
      await assert.rejects(ask(server.url), code('ECONNREFUSED'))
      await server.close()
    })

    test(`of the client's patience ends its own waiting (${fault.kind})`, async (t) => {
      const before = timers()
      const server = await startServer(t, fault)
      const socket = connectTo(server.url)
      t.after(() => socket.destroy())
      await until('it has arrived', async () => server.unanswered() === 1)
      socket.destroy()
      await until('nothing is open', async () => server.unanswered() === 0)
      assert.ok(timers() <= before)
    })
  }

  test('of one that refuses lets go of the port', async (t) => {
    await until('nothing is left of other tests', async () => connections() === 0)
    const server = await startServer(t, { kind: 'refused' })
    assert.equal(connections(), 1)
    await server.close()
    await until('nothing holds it', async () => connections() === 0)
    await assert.rejects(ask(server.url), code('ECONNREFUSED'))
  })
})
