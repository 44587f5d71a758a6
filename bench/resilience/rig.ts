import { freePort } from '../../src/adapters/redis/free-port.ts'
import { UNRESOLVABLE_URL } from '../../test/support/fault-kinds.ts'
import { asLearned } from '../cases.ts'
import type { Credentials } from '../credentials.ts'
import { get } from '../load/connection.ts'
import type { Question } from '../load/load.ts'
import { learnHot, type Person, scattered } from '../people.ts'
import type { Running } from '../processes.ts'
import { type Stage, seedData, serviceEnv, setStage, startServing, untilBuilt } from '../stage.ts'
import type { Operated } from './breakers.ts'
import { type Neighbours, startNeighbours } from './neighbours.ts'
import { type OpenThread, startOpenThread } from './open-thread.ts'

export const USERS = 20_000
/** Copies are fresh for so long: short, so that calls are needed. From half of it on they are asked for again. */
export const FRESH_MS = 4_000
/** And kept for so long: beyond the longest case, and less than it takes to come to the same rare user again. */
export const STALE_MS = 60_000
/** So often each of the regular users is asked for: their copies are always old, and never gone. */
const REGULAR_EVERY_SECONDS = 6
const HOT_USERS = 2_000

export type Served = Operated & { metricsPort: number; running: Running }
export type Rig = {
  stage: Stage
  neighbours: Neighbours
  /** Beside the neighbours; and a process whose neighbours' names nobody knows, started when it is needed. */
  served: Served
  unresolvable(): Promise<Served>
  threads: { profiles: OpenThread; hot: OpenThread }
  questions: { profiles: Question[]; hot: Question[] }
}

export async function setRig(stack: AsyncDisposableStack, rate: number, say: Stage['say']): Promise<Rig> {
  const stage = await setStage(stack, say)
  const data = await seedData(stage, USERS)
  const neighbours = await startNeighbours(stage.processes)
  const start = async (name: string, branchesUrl: string, peopleUrl: string): Promise<Served> => {
    const metricsPort = await freePort()
    const env = {
      BRANCHES_URL: branchesUrl,
      PEOPLE_URL: peopleUrl,
      NEIGHBOUR_FRESH_MS: String(FRESH_MS),
      NEIGHBOUR_STALE_MS: String(STALE_MS),
      METRICS_PORT: String(metricsPort),
    }
    return { metricsPort, credentials: data.credentials, ...(await startServing(stage, data, env, name)) }
  }
  const { 'branches-service': branchesUrl, 'people-service': peopleUrl } = neighbours.urls
  say('starting the service, and waiting until its read models are built')
  const served = await start('serve', branchesUrl, peopleUrl)
  const work = stage.processes.service('work', ['work', 'project'], serviceEnv(stage, data))
  await untilBuilt(stage, data, { port: served.port, serve: served.running, work })

  const threads = { profiles: startOpenThread(), hot: startOpenThread() }
  stack.defer(threads.profiles.stop)
  stack.defer(threads.hot.stop)
  const people = data.query<Row>(
    'SELECT user_id, username, home_branch_id FROM users WHERE employee_number IS NOT NULL ORDER BY user_id',
  )
  const hot = people.slice(0, HOT_USERS).map(personOf)
  const others = scattered(people.slice(HOT_USERS)).map(({ user_id }) => user_id)
  return {
    stage,
    neighbours,
    served,
    unresolvable: () => start('serve-unresolvable', UNRESOLVABLE_URL, UNRESOLVABLE_URL),
    threads,
    questions: {
      profiles: profileQuestions(others, rate, data.credentials),
      hot: await hotQuestions(served, scattered(hot)),
    },
  }
}

type Row = { user_id: number; username: string; home_branch_id: string | null }
const personOf = ({ user_id, username, home_branch_id }: Row): Person => ({
  userId: user_id,
  username,
  branchId: home_branch_id ?? 'B001',
})

async function hotQuestions({ port, credentials }: Served, hot: Person[]): Promise<Question[]> {
  const learned = await learnHot({ port, headers: credentials }, hot)
  return asLearned(learned, credentials).map((one): Question => ({ ...one, from: null }))
}

/** In turn one of the regular users, and one who has not been asked for since their copies were dropped. */
export function profileQuestions(userIds: number[], ratePerSecond: number, credentials: Credentials): Question[] {
  const regular = userIds.slice(0, Math.round((ratePerSecond / 2) * REGULAR_EVERY_SECONDS))
  // As many rounds of the regular ones, so that when all come round again nobody is asked for too soon.
  const rounds = Math.floor((userIds.length - regular.length) / regular.length)
  const rare = userIds.slice(regular.length, regular.length * (1 + rounds))
  const rareEverySeconds = rare.length / (ratePerSecond / 2)
  if (rareEverySeconds * 1_000 <= STALE_MS) throw new Error('too few users for this rate')
  return rare.flatMap((userId, i) => [regular[i % regular.length] ?? 0, userId].map((id) => question(id, credentials)))
}

const question = (userId: number, credentials: Credentials): Question => ({
  request: get(`/v1/users/${userId}/profile?include=branches,employment`, credentials),
  status: 200,
  from: null,
  body: `{"user":{"userId":${userId},`,
  whole: false,
})
