import type { LuaScript, ReadModelRedis } from '../../ports/redis.ts'
import type { Tracing } from '../../ports/tracing.ts'

type Scripts = Pick<ReadModelRedis, 'run' | 'runForReader' | 'readBuffers'>

/** Scripts by their names: to an agent all are one command. What travels together is a part of whoever was the first. */
export function tracedScripts<Client extends Scripts>(client: Client, { segment }: Pick<Tracing, 'segment'>): Client {
  const name = ({ name }: LuaScript) => `redis script ${name}`
  return {
    ...client,
    run: (script, keys, args) => segment(name(script), () => client.run(script, keys, args)),
    runForReader: (script, keys, args) => segment(name(script), () => client.runForReader(script, keys, args)),
    readBuffers: (script, keys) => segment(name(script), () => client.readBuffers(script, keys)),
  }
}
