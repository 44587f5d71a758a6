import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { LuaScript } from '../../src/ports/redis.ts'
import type { Time } from './simulated-globals.ts'

export type Command = { name: string; args: (string | number | Buffer)[] }
/** Told what a user's entry holds after each command that may have changed it; `fields` empty: it is gone. */
export type Watcher = {
  entry(key: string, fields: Record<string, Buffer>, how: How): void
  /** This user's worker has deleted the hint to another. */
  hint(key: string, userId: number): void
}
/** The script, and the last of its arguments; else the command. */
export type How = { name: string; lastArg: string }
export type SimulatedServer = ReturnType<typeof simulatedServer>

/** How a script's text is changed: to plant a fault. */
export type Mutate = (script: LuaScript) => string
export const asItIs: Mutate = ({ source }) => source

const ENTRY = /\}:[^:]*:id:\d+$/
const TRACKED = /\}:[^:]*:(?:id:\d+|roles)$/
type Tracker = (key: string | null) => void

/**
 * A Redis master over a real server, which keeps the keys and runs the scripts; what happens to masters is simulated.
 * Each life has a run id of its own, and connections to an earlier life are dead. A replica that takes over has run all
 * writes but the last few: they are carried out again, up to there.
 */
export function simulatedServer(redis: Redis, mutate: Mutate, watch: Watcher, time: Time) {
  let writes: Command[] = []
  let life = 1
  let lifeBegunAtMs = time.nowMs
  const trackers = new Set<Tracker>()
  /** What tracked keys held when last looked at: only what has changed is told. */
  const contents = new Map<string, string>()

  const send = (commands: Command[]) => {
    const pipeline = redis.pipeline()
    for (const { name, args } of commands) pipeline.callBuffer(name, ...args)
    return pipeline.exec() as Promise<[Error | null, unknown][]>
  }
  /** Carries out, and looks at the entries that are named in it. */
  const carryOut = async (command: Command, isWrite: boolean, name: string): Promise<unknown> => {
    if (name === 'release-1') return release(command)
    if (isWrite) writes.push(command)
    const entries = isWrite ? command.args.filter((arg): arg is string => TRACKED.test(String(arg))) : []
    const looks = entries.map((key) => ({ name: 'HGETALL', args: [key] }))
    const [[error, reply] = [null, null], ...held] = await send([command, ...looks])
    if (error) throw error
    const how = { name, lastArg: String(command.args.at(-1)) }
    for (const [i, key] of entries.entries()) {
      const fields = fieldsOf(held[i]?.[1])
      if (ENTRY.test(key)) watch.entry(key, fields, how)
      tellOf(key, fields)
    }
    return reply
  }

  const tellOf = (key: string, fields: Record<string, Buffer>) => {
    const content = JSON.stringify(Object.entries(fields).map(([field, value]) => [field, value.toString('latin1')]))
    if (contents.get(key) === content) return
    contents.set(key, content)
    for (const tell of trackers) tell(key)
  }

  /** A hint is deleted by whom it names, and by nobody else. */
  const release = async (command: Command): Promise<unknown> => {
    writes.push(command)
    const [, , hint = '', userId] = command.args
    const look = { name: 'GET', args: [hint] }
    const [[, before] = [], [error, reply] = [], [, after] = []] = await send([look, command, look])
    if (error) throw error
    if (before !== null && after === null && String(before) !== String(userId)) watch.hint(String(hint), Number(userId))
    return reply
  }

  return {
    life: () => life,
    lifeBegunAtMs: () => lifeBegunAtMs,
    /** Tells of each change of a user or the catalogue, null: of all, until the answer is called, or this life ends. */
    track(tell: Tracker): () => void {
      trackers.add(tell)
      return () => void trackers.delete(tell)
    },
    runId: () => `run${life}`,
    read: (name: string, ...args: Command['args']) => carryOut({ name, args }, false, name),
    write: (name: string, ...args: Command['args']) => carryOut({ name, args }, true, name),
    async script(script: LuaScript, keys: string[], args: Command['args'], isWrite: boolean): Promise<unknown> {
      const call = [await digestOf(redis, mutate(script)), keys.length, ...keys, ...args]
      return carryOut({ name: isWrite ? 'EVALSHA' : 'EVALSHA_RO', args: call }, isWrite, script.name)
    },
    /** The master ends, and a replica takes over that has missed the last `lost` writes. */
    async failOver(lost: number): Promise<void> {
      life += 1
      lifeBegunAtMs = time.nowMs
      trackers.clear()
      contents.clear()
      writes = writes.slice(0, Math.max(0, writes.length - lost))
      await send([{ name: 'FLUSHALL', args: [] }, ...writes])
    },
    /** Behind open connections; the server goes on. */
    async flush(): Promise<void> {
      writes = []
      contents.clear()
      await send([{ name: 'FLUSHALL', args: [] }])
      for (const tell of trackers) tell(null)
    },
    writes: (): readonly Command[] => [...writes],
    /** As if these had been carried out, and nothing else. */
    async adopt(adopted: readonly Command[]): Promise<void> {
      writes = [...adopted]
      await send([{ name: 'FLUSHALL', args: [] }, ...adopted])
    },
    /** Several at once, for looking at what is there. */
    look: async (commands: Command[]): Promise<unknown[]> => (await send(commands)).map(([, reply]) => reply),
  }
}

/** What each real server has been sent; FLUSHALL leaves it there. */
const loaded = new WeakMap<Redis, Map<string, string>>()

async function digestOf(redis: Redis, text: string): Promise<string> {
  const known = loaded.get(redis) ?? new Map<string, string>()
  loaded.set(redis, known)
  const digest = known.get(text) ?? createHash('sha1').update(text).digest('hex')
  if (!known.has(text)) await redis.script('LOAD', text)
  known.set(text, digest)
  return digest
}

function fieldsOf(flat: unknown): Record<string, Buffer> {
  const fields: Record<string, Buffer> = {}
  const list = Array.isArray(flat) ? (flat as Buffer[]) : []
  for (let i = 0; i + 1 < list.length; i += 2) fields[String(list[i])] = list[i + 1] ?? Buffer.alloc(0)
  return fields
}
