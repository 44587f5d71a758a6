import { type Confirm, incarnationBeliefs } from '../../src/adapters/redis/beliefs.ts'
import type { LuaScript, ReadModelRedis } from '../../src/ports/redis.ts'
import type { Schedule } from './schedule.ts'
import type { SimulatedServer } from './server.ts'

export type SimulatedClient = ReadModelRedis & {
  /** Loses the connection, and with it every answer; it connects again when the schedule lets it. */
  drop(): void
  /** As the real client does every now and then, while something is not believed. */
  lookAgain(): void
  /** Told of this connection's end and of the next one's beginning. */
  onChange(told: Told): void
}
type Told = { connected(): void; closed(): void }
type Connection = { life: number; open: boolean; waiting: Set<(error: Error) => void>; runId: string | null }

/**
 * One process's connection. Calls may be carried out in another order than they were made in, as scripts that a server
 * has to be sent again are; and what a closed connection had sent may still be carried out.
 */
export function simulatedClient(
  schedule: Schedule,
  owner: string,
  server: SimulatedServer,
  incKeys: string[],
  confirm: Confirm,
): SimulatedClient {
  const connect = (): Connection => ({ life: server.life(), open: true, waiting: new Set(), runId: null })
  let connection = connect()
  let willLook = false
  let told: Told = { connected: () => undefined, closed: () => undefined }

  const ask = <Reply>(what: string, carryOut: () => Promise<Reply>): Promise<Reply> => {
    const { life, open, waiting } = connection
    if (!open) return Promise.reject(new Error('Connection is closed'))
    return new Promise((resolve, reject) => {
      waiting.add(reject)
      const alive = () => {
        if (life !== server.life()) throw new Error('the server is gone')
        return carryOut()
      }
      schedule
        .call(owner, what, alive)
        .then(resolve, reject)
        .finally(() => waiting.delete(reject))
    })
  }
  const beliefs = incarnationBeliefs(
    {
      runIdOf: () => connection.runId,
      get: (key) => ask(`GET ${short(key)}`, async () => text(await server.read('GET', key))),
      learnRunIds: async () => {
        const asked = connection
        asked.runId = await ask('INFO', async () => server.runId())
      },
    },
    confirm,
  )
  const refreshAll = () => void Promise.all(incKeys.map(beliefs.refresh)).catch(() => null)
  const run = (script: LuaScript, keys: string[], args: (string | number | Buffer)[], isWrite: boolean) =>
    ask(`${script.name}(${named(keys)}) ${args.map(shortArg).join(' ')}`, () =>
      server.script(script, keys, args, isWrite),
    )

  const forWriter: ReadModelRedis['run'] = async (script, keys, args) => asText(await run(script, keys, args, true))

  return {
    ...plainCommands(server, ask),
    incarnation: beliefs.of,
    refreshIncarnation: beliefs.refresh,
    runId: () => connection.runId,
    run: forWriter,
    runForReader: forWriter,
    readBuffers: async (script, keys) => (await run(script, keys, [], false)) as (Buffer | null)[],
    publish: async () => undefined,
    onChange(given) {
      told = given
    },
    drop() {
      if (!connection.open) return
      connection.open = false
      connection.runId = null
      beliefs.doubt()
      told.closed()
      for (const reject of connection.waiting) reject(new Error('Connection is closed'))
      schedule.add(owner, 'connects again', () => {
        connection = connect()
        told.connected()
        refreshAll()
      })
    },
    lookAgain() {
      if (willLook || incKeys.every((key) => beliefs.of(key) !== null)) return
      willLook = true
      schedule.add(owner, 'looks again', () => {
        willLook = false
        if (connection.open) refreshAll()
      })
    },
  }
}

type Ask = <Reply>(what: string, carryOut: () => Promise<Reply>) => Promise<Reply>

function plainCommands(server: SimulatedServer, ask: Ask) {
  const write = (name: string, ...args: string[]) =>
    ask(`${name} ${args.map(short).join(' ')}`, async () => void (await server.write(name, ...args)))
  const read = <Reply>(name: string, args: (string | number | Buffer)[], made: (reply: unknown) => Reply) =>
    ask(`${name} ${args.map(shortArg).join(' ')}`, async () => made(await server.read(name, ...args)))
  const texts = (reply: unknown) => (reply as Buffer[]).map(String)
  return {
    get: (key: string) => read('GET', [key], text),
    set: (key: string, value: string) => write('SET', key, value),
    del: (...keys: string[]) => write('DEL', ...keys),
    hdel: (key: string, field: string) => write('HDEL', key, field),
    hmget: (key: string, ...fields: string[]) => read('HMGET', [key, ...fields], (reply) => reply as (Buffer | null)[]),
    hgetall: (key: string) => read('HGETALL', [key], (reply) => pairs(texts(reply))),
    smembers: (key: string) => read('SMEMBERS', [key], texts),
    zrangeByScore: (key: string, above: number, limit: number) =>
      read('ZRANGEBYSCORE', [key, `(${above}`, '+inf', 'LIMIT', 0, limit], texts),
    zrangeByLex: (key: string, min: Buffer, max: Buffer, limit: number) =>
      read('ZRANGEBYLEX', [key, min, max, 'LIMIT', 0, limit], (reply) => reply as Buffer[]),
    /** Some at a time, as SCAN: what comes in between may be missed. */
    async scan(pattern: string, visit: (keys: string[]) => Promise<unknown>): Promise<void> {
      const visited = new Set<string>()
      for (;;) {
        const found = await read('KEYS', [pattern], texts)
        const some = found
          .filter((key) => !visited.has(key))
          .sort()
          .slice(0, SCANNED_AT_A_TIME)
        if (some.length === 0) return
        for (const key of some) visited.add(key)
        await visit(some)
      }
    },
  }
}
const SCANNED_AT_A_TIME = 6

const text = (reply: unknown): string | null => (reply === null ? null : String(reply))
const asText = (reply: unknown): unknown =>
  Array.isArray(reply) ? reply.map(asText) : Buffer.isBuffer(reply) ? reply.toString() : reply

function pairs(flat: string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) found[flat[i] ?? ''] = flat[i + 1] ?? ''
  return found
}

/** For reading a schedule: the key without its prefix. */
const short = (key: string): string => key.replace(/^\{usr[^}]*\}:[^:]*:/, '')
const named = (keys: string[]): string => short(keys[0] ?? '')
const shortArg = (arg: string | number | Buffer): string => (String(arg).length > 40 ? '…' : short(String(arg)))
