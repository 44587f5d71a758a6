import type { Redis } from 'ioredis'
import type { Log } from '../../ports.ts'

/** What each server says of itself. A start changes it: after each (re)connection it must be learnt again. */
export function watchFacts(log: Log) {
  const known = new WeakMap<Redis, string>()
  const evicting = new WeakMap<Redis, string>()
  const listeners: (() => void)[] = []
  const learn = async (node: Redis): Promise<void> => {
    const info = await node.info('server')
    const runId = /^run_id:(\w+)/m.exec(info)?.[1]
    if (runId) known.set(node, runId)
    await lookAtMemory(node).catch((error) => log.debug({ reason: reasonOf(error) }, 'what Redis evicts is unknown'))
  }
  const lookAtMemory = async (node: Redis): Promise<void> => {
    const policy = evictionPolicy(await node.info('memory'))
    if (policy === null) evicting.delete(node)
    else if (evicting.get(node) !== policy) {
      evicting.set(node, policy)
      log.warn({ policy }, 'Redis drops keys when its memory is full: set maxmemory-policy noeviction')
    }
  }
  const learnQuietly = (node: Redis) =>
    learn(node).catch((error) => log.debug({ reason: reasonOf(error) }, 'run id unknown'))
  return {
    of: (node: Redis): string | null => known.get(node) ?? null,
    evicts: (node: Redis): string | null => evicting.get(node) ?? null,
    learn,
    onClose: (tell: () => void) => void listeners.push(tell),
    watch(node: Redis): void {
      node.on('ready', () => void learnQuietly(node))
      node.on('close', () => {
        known.delete(node)
        for (const tell of listeners) tell()
      })
      if (node.status === 'ready') learnQuietly(node)
    },
  }
}

/** By `INFO memory` (https://redis.io/docs/latest/commands/info/): without a limit, or with `noeviction`, nothing is dropped. */
export function evictionPolicy(info: string): string | null {
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0)
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1] ?? 'noeviction'
  return limit > 0 && policy !== 'noeviction' ? policy : null
}

/** By `INFO memory`. `maxBytes` 0: there is no limit. */
function memoryOf(info: string): { usedBytes: number; maxBytes: number } {
  const of = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  return { usedBytes: of('used_memory'), maxBytes: of('maxmemory') }
}

/** The memory of the master that is fullest, by its limit where it has one. */
export async function fullest(masters: Redis[]): Promise<{ usedBytes: number; maxBytes: number }> {
  const all = await Promise.all(masters.map(async (master) => memoryOf(await master.info('memory'))))
  const share = ({ usedBytes, maxBytes }: { usedBytes: number; maxBytes: number }) =>
    maxBytes === 0 ? 0 : usedBytes / maxBytes
  const [first] = all.sort((a, b) => share(b) - share(a) || b.usedBytes - a.usedBytes)
  if (first === undefined) throw new Error('there is no master')
  return first
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error)
}
