import { freePort } from '../../src/adapters/redis/free-port.ts'
import { textOf } from '../load/answer.ts'
import { type Learned, learn, scattered } from '../people.ts'
import type { Running } from '../processes.ts'
import type { Operated } from '../resilience/breakers.ts'
import { type OpenThread, startOpenThread } from '../resilience/open-thread.ts'
import { type Data, type Stage, seedData, serviceEnv, setStage, startServing, untilBuilt } from '../stage.ts'
import { type Legacy, startLegacy } from './legacy.ts'
import { setMode } from './modes.ts'

export const USERS = 20_000
/** Those that are asked for. */
const HOT_USERS = 2_000

export type Served = Operated & { metricsPort: number; running: Running }
export type Rig = {
  stage: Stage
  data: Data
  legacy: Legacy
  open: OpenThread
  /** What the taken over endpoint answers about the hot users; the legacy application answers the same. */
  users: Learned[]
  /** A process of the service before the legacy application. */
  serve(name: string, env: NodeJS.ProcessEnv): Promise<Served>
}

export async function setRig(stack: AsyncDisposableStack, say: Stage['say']): Promise<Rig> {
  const stage = await setStage(stack, say)
  const data = await seedData(stage, USERS)
  say('starting the service, and waiting until its read models are built')
  const { port, running } = await startServing(stage, data)
  const work = stage.processes.service('work', ['work', 'project'], serviceEnv(stage, data))
  await untilBuilt(stage, data, { port, serve: running, work })
  const users = await learnUsers(port, data)
  await running.stop()
  const legacy = await startLegacy(stage, Object.fromEntries(users.map(({ path, body }) => [path, body])))
  const open = startOpenThread()
  stack.defer(open.stop)
  return {
    ...{ stage, data, legacy, open, users },
    async serve(name, env) {
      const metricsPort = await freePort()
      const settings = { LEGACY_URL: legacy.url, METRICS_PORT: String(metricsPort), ...env }
      return { metricsPort, credentials: data.credentials, ...(await startServing(stage, data, settings, name)) }
    },
  }
}

type Row = { user_id: number; username: string }

/** Each answer is seen to be of the right user; only then is it what everybody must answer. */
async function learnUsers(port: number, { query, credentials }: Data): Promise<Learned[]> {
  const served = { port, credentials }
  await setMode([served], 'native')
  const hot = scattered(query<Row>('SELECT user_id, username FROM users ORDER BY user_id LIMIT ?', HOT_USERS))
  const paths = hot.map(({ user_id }) => `/users/${user_id}/`)
  const learned = await learn({ port, headers: credentials }, paths, (body, i) => {
    const { id, username } = body as { id: number; username: string }
    if (id !== hot[i]?.user_id || username !== hot[i]?.username)
      throw new Error(`${paths[i]}: ${textOf({ body: JSON.stringify(body) })}`)
  })
  await setMode([served], 'legacy')
  return learned
}
