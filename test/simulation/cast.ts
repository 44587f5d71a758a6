import { type Keys, keysOf, readModelKeys } from '../../src/projections/keys.ts'
import type { Judge } from './judge.ts'
import { nearFloorsOf } from './near-floors.ts'
import { type SimulatedProcess, startProcess, type World } from './process.ts'
import type { Program } from './program.ts'

const EPOCH = 'sim'
const OTHER_SCHEMA = '1'
export const KEYS = readModelKeys(EPOCH)
export const OTHER_KEYS = keysOf(EPOCH, OTHER_SCHEMA)

export type Cast = ReturnType<typeof castOf>

/** The processes. One that dies is started again at once, with nothing in its memory. */
export function castOf(world: World, judge: Judge, { twoSchemas, nearCaches }: Program) {
  let starts = 0
  const start = (role: string, keys: Keys): SimulatedProcess => {
    starts += 1
    const near = nearFloorsOf(judge.acknowledged)
    return startProcess(world, `${role}#${starts}`, keys, near, nearCaches && role.endsWith('api'))
  }
  const apis = [start('api', KEYS), start('api', KEYS)]
  const workers = [start('worker', KEYS), start('worker', KEYS)]
  if (twoSchemas) {
    apis.push(start('other-api', OTHER_KEYS))
    workers.push(start('other-worker', OTHER_KEYS))
  }
  const everybody = () => [...apis, ...workers]
  const at = (list: SimulatedProcess[], index: number): SimulatedProcess => {
    const process = list[index % list.length]
    if (!process) throw new RangeError('no process')
    return process
  }
  return {
    everybody,
    apis,
    workers,
    /** With two releases live, a client's second choice is the other one. */
    api: (via: number) => at(apis, twoSchemas && via === 1 ? 2 : via),
    worker: (index: number) => at(workers, index),
    any: (index: number) => at(everybody(), index),
    kill(victim: SimulatedProcess) {
      victim.die()
      world.database.release(victim.name)
      for (const list of [apis, workers]) {
        const index = list.indexOf(victim)
        if (index >= 0) list[index] = start(victim.name.replace(/#.*/, ''), victim.keys)
      }
    },
  }
}
