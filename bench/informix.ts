import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { Informix } from '../src/adapters/informix/database.ts'
import { drdaString, openDrda } from '../test/contract/drda.ts'
import { drdaMissing, startDrdaServer } from '../test/support/drda/server.ts'
import { describeHost } from './machine.ts'

// What the driver's processes cost beside a direct call, and what they spare the process that serves. Prints Markdown;
// every load ends by itself. `--queries n`: how many the leak is looked for by;
// `--only leak`: nothing else.

const { values } = parseArgs({ options: { queries: { type: 'string', default: '100000' }, only: { type: 'string' } } })
const QUERIES = Number(values.queries)
const ROUNDS = 5
const A_ROUND = 2_000
const TIMEOUT_MS = 60_000
const SLOW_QUERIES = 16
const BY_KEY = 'SELECT user_id, username, given_name, family_name FROM users WHERE user_id = ?'
const SLOW = 'SELECT COUNT(*) AS n FROM roles a, roles b, roles c'
const MIB = 1_048_576
const PAGE_BYTES = 4_096
const PARTS = 4

const missing = drdaMissing()
if (missing !== null) {
  process.stdout.write(`nothing to measure: ${missing}\n`)
  process.exit(0)
}
const server = await startDrdaServer()
const name = server.makeDatabase()

function opened(connections: number, processes = 1): Informix {
  return openDrda(server, name, { read: { connections, processes, timeoutMs: TIMEOUT_MS } })
}

const say = (line: string) => process.stdout.write(`${line}\n`)
const middle = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
const spread = (numbers: number[], digits = 2) =>
  `${middle(numbers).toFixed(digits)} (${Math.min(...numbers).toFixed(digits)}–${Math.max(...numbers).toFixed(digits)})`

type Measured = { ms: number; cpuMs: number }
/** `concurrency` at a time; milliseconds and CPU milliseconds of this process, a query. */
async function measure(count: number, concurrency: number, query: () => Promise<unknown>): Promise<Measured> {
  const [started, cpu] = [performance.now(), process.cpuUsage()]
  const worker = async () => {
    for (let i = 0; i < count / concurrency; i += 1) await query()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  const { user, system } = process.cpuUsage(cpu)
  return { ms: (performance.now() - started) / count, cpuMs: (user + system) / 1_000 / count }
}

async function fill(database: Informix): Promise<void> {
  await database.transaction(async (session) => {
    for (let id = 1; id <= 200; id += 1) {
      await session.execute(
        `INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at)
         VALUES (?, ?, 'Ann', 'Lee', 'active', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
        [id, `user.${id}`],
      )
      await session.execute(`INSERT INTO roles (role, title) VALUES (?, 'x')`, [`r${id}`])
    }
  })
}

type Direct = {
  querySync(sql: string, params: unknown[]): unknown
  query(sql: string, params: unknown[], done: (error: unknown) => void): void
}

async function besideDirect(database: Informix): Promise<void> {
  const driver = createRequire(import.meta.url)('ibm_db') as { openSync(text: string): Direct }
  const connection = driver.openSync(drdaString(server, name))
  const direct = () => new Promise<void>((done) => connection.query(BY_KEY, [7], () => setImmediate(done)))
  const [bare, adapter]: [Measured[], Measured[]] = [[], []]
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await measure(A_ROUND, 1, direct))
    adapter.push(await measure(A_ROUND, 1, () => database.query(BY_KEY, [7])))
  }
  say('| one row by its key, one at a time | ms a read | CPU ms a read, in the process that serves |')
  say('|---|---|---|')
  for (const [what, rounds] of [
    ['ibm_db called directly', bare],
    ['the adapter: pool, another process, exact values', adapter],
  ] as const) {
    say(
      `| ${what} | ${spread(
        rounds.map(({ ms }) => ms),
        3,
      )} | ${spread(
        rounds.map(({ cpuMs }) => cpuMs),
        3,
      )} |`,
    )
  }
  say(
    `| the adapter's overhead | ${(middle(adapter.map(({ ms }) => ms)) - middle(bare.map(({ ms }) => ms))).toFixed(3)} | |\n`,
  )
}

async function poolSizes(): Promise<void> {
  say('| connections (processes) | reads a second, 32 askers | CPU ms a read, in the process that serves |')
  say('|---|---|---|')
  for (const [connections, processes] of [
    [1, 1],
    [4, 1],
    [4, 2],
    [16, 2],
  ] as const) {
    const database = opened(connections, processes)
    await measure(500, 32, () => database.query(BY_KEY, [7]))
    const rounds: Measured[] = []
    for (let round = 0; round < ROUNDS; round += 1)
      rounds.push(await measure(A_ROUND, 32, () => database.query(BY_KEY, [7])))
    say(
      `| ${connections} (${processes}) | ${spread(
        rounds.map(({ ms }) => 1_000 / ms),
        0,
      )} | ${spread(
        rounds.map(({ cpuMs }) => cpuMs),
        3,
      )} |`,
    )
    await database.close()
  }
  say('')
}

async function eventLoop(): Promise<void> {
  const database = opened(SLOW_QUERIES, 2)
  await database.query(BY_KEY, [7])
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const started = performance.now()
  await Promise.all(Array.from({ length: SLOW_QUERIES }, () => database.query(SLOW)))
  delay.disable()
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  const ms = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1)
  say(
    `Event-loop delay of the process that serves, while ${SLOW_QUERIES} slow queries run (${seconds} s): p50 ${ms(delay.percentile(50))} ms, p99 ${ms(delay.percentile(99))} ms, longest ${ms(delay.max)} ms (timer resolution 1 ms).\n`,
  )
  await database.close()
}

async function leak(): Promise<void> {
  const database = opened(4, 1)
  await measure(2_000, 16, () => database.query(BY_KEY, [7]))
  const inMib = (bytes: number) => (bytes / MIB).toFixed(0)
  const seen = [[process.memoryUsage().rss, rssOfChildren()]]
  for (let part = 0; part < PARTS; part += 1) {
    await measure(QUERIES / PARTS, 16, () => database.query(BY_KEY, [7]))
    globalThis.gc?.()
    seen.push([process.memoryUsage().rss, rssOfChildren()])
  }
  const [own, others] = [0, 1].map((index) => seen.map((pair) => inMib(pair[index] ?? 0)).join(', '))
  say(`Memory (RSS, MiB) at the start and after each quarter of ${QUERIES} reads: ${own} in the process that serves;`)
  say(`${others} in those that it has started (the driver's, and Derby's).`)
  await database.close()
}

/** Of all processes that this one has started, the server of the test among them: proc(5), `children` and `statm`. */
function rssOfChildren(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  const pages = children.map((pid) => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]))
  return pages.reduce((sum, count) => sum + count, 0) * PAGE_BYTES
}

try {
  const database = opened(1)
  await fill(database)
  const { cores, cpu, memoryGib, node, commit } = describeHost()
  say(
    `${cores} cores of ${cpu}, ${memoryGib.toFixed(0)} GiB, Node ${node}, ${new Date().toISOString().slice(0, 10)}, commit ${commit}.\n`,
  )
  if (values.only !== 'leak') {
    await besideDirect(database)
    await poolSizes()
    await eventLoop()
  }
  await leak()
  await database.close()
} finally {
  await server.stop()
}
process.exit(0)
