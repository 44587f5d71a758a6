import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { type Client, type KafkaOptions, kafkaClient } from '../../src/adapters/kafka/client.ts'
import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { ensureSqliteSchema } from '../../src/adapters/sqlite/schema.ts'
import type { SqlValue } from '../../src/ports.ts'
import { databasePath } from '../../src/wiring-database.ts'
import { insertUser, type Owner } from '../contract/rig.ts'
import { asAdmin, freshTopics } from '../support/kafka.ts'
import { quiet, until } from '../support/service.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const PROCESS_LIMIT_MS = 40_000
const READ_LIMIT_MS = 20_000

export const openClient = (brokers: string, more: Partial<KafkaOptions> = {}): Promise<Client> =>
  kafkaClient({ brokers: [brokers], tls: null, sasl: null, ...more }, quiet)

export async function makeTopic(
  client: Client,
  numPartitions: number,
  { topic = `${freshTopics()}topic`, config = {} }: { topic?: string; config?: Record<string, string> } = {},
): Promise<string> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await asAdmin(client, (admin) =>
    admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, configEntries }] }),
  )
  // A broker hears of it a moment later; the client fails meanwhile.
  await until('the topic is there', () =>
    asAdmin(client, async (admin) => (await admin.fetchTopicOffsets(topic)).length === numPartitions).catch(
      () => false,
    ),
  )
  return topic
}

export type Read = { partition: number; offset: number; key: string | null; value: string; headers: string[] }
/** All that is there now, in the order of each partition; by the library alone. `headers` as `name: value`. */
export async function readAll(client: Client, topic: string): Promise<Read[]> {
  const bounds = await asAdmin(client, (admin) => admin.fetchTopicOffsets(topic))
  const open = new Set(bounds.filter(({ low, high }) => low !== high).map(({ partition }) => partition))
  const ends = new Map(bounds.map(({ partition, high }) => [partition, Number(high)]))
  const read: Read[] = []
  const consumer = client.kafka.consumer({ groupId: `${freshTopics()}reader`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const offset = Number(message.offset)
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => `${name}: ${value}`)
        if (offset >= (ends.get(partition) ?? 0)) return
        read.push({ partition, offset, key: message.key?.toString() ?? null, value: String(message.value), headers })
        if (offset === (ends.get(partition) ?? 0) - 1) open.delete(partition)
      },
    })
    await until('everything is read', async () => open.size === 0, READ_LIMIT_MS)
  } finally {
    await consumer.disconnect()
  }
  return read.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** An embedded database with users 1 to `users`, in a folder of its own, as a program that is not this service has it. */
export async function openPlace(t: Owner, users: number) {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-kafka-'))
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  const path = databasePath({ dataDir: dir })
  ensureSqliteSchema(path)
  const connection = openConnection(path, { readOnly: false })
  t.after(() => connection.close())
  const sql = (statement: string, ...params: SqlValue[]) => connection.run(statement, params)
  const query = (statement: string, ...params: SqlValue[]) => connection.all(statement, params)
  const session = {
    query: async () => [],
    execute: async (statement: string, params: readonly SqlValue[] = []) => Number(sql(statement, ...params)),
  }
  for (let userId = 1; userId <= users; userId += 1) await insertUser(session, userId)
  const epoch = String(query('SELECT epoch FROM service_epoch')[0]?.epoch)
  return {
    dir,
    path,
    epoch,
    sql,
    query,
    count: (from: string) => Number(query(`SELECT COUNT(*) AS n FROM ${from}`)[0]?.n),
  }
}
export type Place = Awaited<ReturnType<typeof openPlace>>

/** The command line as a process of its own. */
export function startProcess(t: Owner, args: string[], environment: Record<string, string>) {
  const child = spawn(process.execPath, [join(ROOT, 'src', 'main.ts'), ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', LOG_FORMAT: 'json', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const guard = guardAgainstOurEnd(child.pid ?? null, null)
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  let isOver = false
  const closed = once(child, 'close').then(([code, signal]) => {
    isOver = true
    return (code ?? signal) as number | string
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await closed
    await guard.end()
  })
  return {
    said,
    pid: Number(child.pid),
    isOver: () => isOver,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    says: (text: string | RegExp, limitMs = PROCESS_LIMIT_MS) => {
      const isSaid = () => (typeof text === 'string' ? said.out.includes(text) : text.test(said.out))
      return until(
        `it says ${text}`,
        async () => {
          if (isSaid()) return true
          if (isOver) throw new Error(`it has ended without ${text}: ${said.out}${said.err}`)
          return false
        },
        limitMs,
      ).catch((error) => {
        throw new Error(`${error.message}; it says ${said.out.slice(-2_000)}${said.err}`)
      })
    },
    async ended(limitMs = PROCESS_LIMIT_MS) {
      const late = setTimeout(() => child.kill('SIGKILL'), limitMs)
      const code = await closed
      clearTimeout(late)
      return { code, ...said }
    },
  }
}
