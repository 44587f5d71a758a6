import { type Mode, modeFrom } from '../../domain/strangler.ts'
import type { ExpiringKeys } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { startsKey } from './keys.ts'

/** Written again so often; what no replica has written for as long as it is kept is forgotten. */
export const WRITE_EVERY_MS = 60_000
export const KEPT_MS = 5 * WRITE_EVERY_MS

type Where = { redis: Pick<ExpiringKeys, 'setFor' | 'getExpiring'>; epoch: string }

/** With which modes the replicas have started: told to the command line, which does not have their settings. */
export function writeStarts({ redis, epoch }: Where, starts: ReadonlyMap<string, Mode>, log: Log): { stop(): void } {
  const text = JSON.stringify(Object.fromEntries(starts))
  const write = () =>
    redis
      .setFor(startsKey(epoch), text, KEPT_MS)
      .catch((error) => log.debug({ reason: String(error) }, 'with which modes routes start could not be written'))
  void write()
  const timer = setInterval(write, WRITE_EVERY_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

/** null: no replica has said it, or Redis is out of reach. */
export async function readStarts({ redis, epoch }: Where): Promise<Map<string, Mode> | null> {
  const text = await redis.getExpiring(startsKey(epoch)).catch(() => null)
  if (text === null) return null
  try {
    const modes = Object.entries(JSON.parse(text) ?? {}).map(([id, mode]) => [id, modeFrom(mode)] as const)
    return new Map(modes.flatMap(([id, mode]) => (mode === null ? [] : [[id, mode]])))
  } catch {
    return null
  }
}
