import { join } from 'node:path'
import { settings } from '../../src/settings.ts'
import { middling, startBare } from '../bare.ts'
import { ok } from '../cases.ts'
import { get } from '../load/connection.ts'
import type { Question } from '../load/load.ts'
import type { Learned } from '../people.ts'
import { type Data, type Listening, type Stage, startListening, startServing } from '../stage.ts'
import { learnSame } from './same.ts'
import { DJANGO_DIR, GO_DIR, type Tool } from './tools.ts'

/** In the order in which they take turns, and stand in the report. */
export const CONTESTANTS = {
  bare: 'a bare `node:http` server that answers the bytes of one answer to everybody: the least that Node can do',
  'ours-redis': 'this service, every answer from Redis',
  'ours-near': 'this service with its near cache',
  'echo-goredis': 'Go: echo and go-redis with auto-pipelining, handing the stored bytes through',
  'echo-rueidis': 'Go: echo and rueidis with client-side caching in broadcast mode',
  'django-orm': 'Python: Django REST framework with its ORM on the same database, under gunicorn',
  'django-redis': 'Python: Django with django-redis, handing the stored bytes through, under gunicorn',
} as const
export type ContestantName = keyof typeof CONTESTANTS
export type Contestant = {
  name: ContestantName
  start(): Promise<Listening>
  /** Sees that it answers what the service does, and answers the questions of a load. Rejects when it doesn't. */
  learn(port: number): Promise<Question[]>
}

/** Its value 0 turns the near cache off. A release that has no such setting has no near cache to compare. */
const NEAR_CACHE_SETTING = 'NEAR_CACHE_BYTES'

export type Given = { stage: Stage; data: Data; hot: Learned[]; go: Tool; django: Tool }
export type Field = { contestants: Contestant[]; skipped: Skipped[] }
export type Skipped = { name: ContestantName; why: string }

/** Who can be started here, of `names`; who can't, and why. `hot`: what the service itself answers. */
export function makeField(given: Given, names: ContestantName[]): Field {
  const field: Field = { contestants: [], skipped: [] }
  for (const name of names) {
    const made = MAKERS[name](given)
    if ('missing' in made) field.skipped.push({ name, why: made.missing })
    else field.contestants.push({ name, ...made })
  }
  return field
}

type Made = Omit<Contestant, 'name'> | { missing: string }

const MAKERS: Record<ContestantName, (given: Given) => Made> = {
  // Asked what we are, token and all: it must read the same.
  bare: ({ stage, data, hot }) => ({
    start: () => startBare(stage, hot),
    learn: async () => hot.map(({ path }) => ok(get(path, data.credentials), middling(hot).body, 'cache')),
  }),
  'ours-redis': (given) => ours(given, { [NEAR_CACHE_SETTING]: '0' }),
  'ours-near': (given) => (hasNearCache() ? ours(given, {}) : { missing: 'this release has no near cache' }),
  'echo-goredis': (given) => echo(given, 'goredis'),
  'echo-rueidis': (given) => echo(given, 'rueidis'),
  'django-orm': (given) => django(given, 'orm', 'database'),
  'django-redis': (given) => django(given, 'redis', 'cache'),
}

function hasNearCache(): boolean {
  return settings().some(({ name }) => name === NEAR_CACHE_SETTING)
}

function ours({ stage, data, hot }: Given, env: NodeJS.ProcessEnv): Made {
  return {
    start: () => startServing(stage, data, env),
    learn: (port) => learnSame({ port, headers: data.credentials }, hot, 'cache'),
  }
}

/** What somebody is asked who may not yet have started. */
const firstPath = (hot: Learned[]) => hot[0]?.path ?? '/'

function echo({ stage, data, hot, go }: Given, client: 'goredis' | 'rueidis'): Made {
  if ('missing' in go) return go
  const args = [
    ...['-client', client, '-redis', `127.0.0.1:${stage.server.port}`],
    ...['-prefix', userKeyPrefix(data), '-tag', tagStart(hot)],
  ]
  const start = () =>
    startListening(stage, `echo-${client}`, firstPath(hot), (port) =>
      stage.processes.program(`echo-${client}`, go.path, [...args, '-listen', `127.0.0.1:${port}`], {
        cwd: GO_DIR,
        // Less frequent collections; bench/README.md says what else was tried.
        env: { GOGC: '400' },
      }),
    )
  return { start, learn: (port) => learnSame({ port }, hot, 'cache') }
}

function django({ stage, data, hot, django: tool }: Given, views: 'orm' | 'redis', from: 'cache' | 'database'): Made {
  if ('missing' in tool) return tool
  const env = {
    VIEWS: views,
    DATABASE_PATH: data.path,
    REDIS_URL: stage.server.url,
    USER_KEY_PREFIX: userKeyPrefix(data),
    ENTITY_TAG_START: tagStart(hot),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const start = () =>
    startListening(stage, `django-${views}`, firstPath(hot), (port) =>
      stage.processes.program(`django-${views}`, join(tool.path, 'bin', 'gunicorn'), [], {
        cwd: DJANGO_DIR,
        env: { ...env, BIND: `127.0.0.1:${port}` },
      }),
    )
  return { start, learn: (port) => learnSame({ port }, hot, from) }
}

/** The key of any user, without the id. */
function userKeyPrefix({ keys }: Data): string {
  return keys.user(1).slice(0, -1)
}

/** An entity tag of the service, without quotes and version: what the tags of all users begin with. */
export function tagStart([first]: Learned[]): string {
  const found = /^"(.*\.)\d+"$/.exec(first?.etag ?? '')
  if (!found?.[1]) throw new Error(`not an entity tag of the service: ${first?.etag}`)
  return found[1]
}
