import { monotonicMs } from './clock.ts'
import { header } from './load/answer.ts'
import { type Asker, connectAsker, get } from './load/connection.ts'
import { complaints } from './load/load.ts'
import type { People } from './people.ts'
import { type Data, type Service, type Stage, startServing } from './stage.ts'

const CROWD = 1_000
const CROWDS = 5

export type Crowd = {
  size: number
  /** Answers by where they were read: whoever waited for another's fill found it in Redis. */
  sources: Record<string, number>
  /** Until the last answer. */
  slowestMs: number
  errors: number
  complaints: string[]
}

/** A thousand GETs at once, half of them to another process, for a user whose copies have just gone; five times. */
export async function measureCrowds(stage: Stage, data: Data, service: Service, people: People): Promise<Crowd[]> {
  stage.say('a thousand readers of one missing user')
  const other = await startServing(stage, data, {}, 'serve-other')
  const crowd: Asker[] = []
  try {
    for (let i = 0; i < CROWD; i += 1) crowd.push(await connectAsker(i % 2 === 0 ? service.port : other.port))
    const crowds: Crowd[] = []
    for (const userId of people.missed.slice(0, CROWDS)) {
      await stage.redis.del(data.keys.user(userId))
      crowds.push(await askAll(crowd, get(`/v1/users/${userId}`, data.credentials)))
    }
    return crowds
  } finally {
    for (const { close } of crowd) close()
    await other.running.stop()
  }
}

async function askAll(crowd: Asker[], request: string): Promise<Crowd> {
  const faults = complaints()
  const sources: Crowd['sources'] = {}
  const startedAtMs = monotonicMs()
  await Promise.all(
    crowd.map(async ({ ask }) => {
      const answer = await ask(request)
      if (answer.status !== 200) faults.add(`${request.split('\r\n', 1)[0]}: ${answer.status}`)
      const from = header(answer, 'read-from') ?? '-'
      sources[from] = (sources[from] ?? 0) + 1
    }),
  )
  const slowestMs = monotonicMs() - startedAtMs
  return { size: crowd.length, sources, slowestMs, errors: faults.count(), complaints: faults.kept }
}
