import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../../test/support/service.ts'
import type { Stage } from './stage.ts'

const LOOK_MS = 8_000
/** Not more often: what is asked so costs a read of the evidence. */
const POLL_MS = 200
const SET_BACK_LIMIT_MS = 40_000
const VISIBLE_LIMIT_MS = 10_000
/** So fast only here: by default a step is five minutes and a thousand answers. */
const FAST = ['--step-seconds', '4', '--least', '3']
/** What a walk says while it waits. */
const WAITS = /too short a time|answers given by us|answers compared$/
const SHOWN_PATHS = 3

type Deps = { stage: Stage; say(line: string): void }
/** `run` answers whether it went as it should. */
export type Chapter = { title: string; tell: string[]; run(): Promise<boolean> }

/** Traffic goes on all the time; each chapter changes something, and looks at what comes of it. */
export function chapters({ stage, say }: Deps): Chapter[] {
  const set = (route: string, mode: string[], reason: string) =>
    stage.strangler(['set', route, ...mode, '--reason', reason], say)
  return [
    {
      title: '1. The legacy application answers everything; the service passes it on.',
      tell: [],
      run: async () => {
        await pause(LOOK_MS)
        return true
      },
    },
    {
      title: '2. Shadow: clients get the legacy answers, and ours are compared with them.',
      tell: [],
      run: async () => {
        for (const route of ['get-user', 'get-user-by-username', 'get-permissions'])
          await set(route, ['shadow'], 'is our answer the same?')
        await pause(LOOK_MS)
        return lookAtShadows({ stage, say })
      },
    },
    {
      title: '3. Two endpoints are walked from the legacy application to the service, step by step.',
      tell: ['A client stays on its side: who is among the first 1 % is among the 5 % as well.'],
      run: async () => {
        const tell = (line: string) => {
          if (!WAITS.test(line)) say(line)
        }
        const walk = (route: string) =>
          stage.strangler(['promote', route, '--to', 'native', '--reason', 'no difference', ...FAST], tell)
        await Promise.all(['get-user', 'get-branch-users'].map(walk))
        return true
      },
    },
    {
      title: '4. Somebody is impatient: permissions, of which some differ, to a quarter of the users.',
      tell: [],
      run: async () => {
        await set('get-permissions', ['canary', '25'], 'it will be all right')
        const begunMs = performance.now()
        const isBack = async () => {
          await pause(POLL_MS)
          const { mode, setting } = await stage.route('get-permissions')
          return mode === 'legacy' && setting
        }
        const setting = await until('the canary is set back', isBack, SET_BACK_LIMIT_MS)
        const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1)
        say(`set back to the legacy application by itself after ${seconds} s, by "${setting.by}": ${setting.reason}`)
        return setting.by === 'parachute'
      },
    },
    {
      title: '5. Both write: the database’s triggers tell the service of what Django writes.',
      tell: [],
      run: () => writeByBoth({ stage, say }, set),
    },
    { title: '6. As it is now.', tell: [], run: async () => pause(LOOK_MS, true) },
  ]
}

async function lookAtShadows({ stage, say }: Deps): Promise<boolean> {
  for (const id of ['get-user', 'get-user-by-username', 'get-permissions']) {
    const { evidence } = await stage.route(id)
    if (!evidence) continue
    const { equal, mismatch, noise, race, dropped } = evidence.compared
    say(`${id}: ${equal} equal, ${mismatch} differ, ${noise} noise, ${race} races with writes, ${dropped} left out`)
    for (const [path, count] of most(evidence.noise)) say(`   changes by itself: ${path} (${count}×)`)
    for (const [path, count] of most(evidence.paths)) say(`   differs: ${path} (${count}×)`)
    const [difference] = evidence.samples[0]?.differences ?? []
    if (difference) say(`   for one: ${difference.path} is ${difference.legacy} there and ${difference.native} here`)
  }
  say(
    'The legacy application lets the last role win, ours the strongest: that is for people to decide, before anything is moved.',
  )
  const [user, byName, permissions] = await Promise.all(
    ['get-user', 'get-user-by-username', 'get-permissions'].map(async (id) => (await stage.route(id)).evidence),
  )
  return (
    (user?.compared.equal ?? 0) > 0 &&
    user?.compared.mismatch === 0 &&
    (byName?.noise['/generated_at'] ?? 0) > 0 &&
    byName?.compared.mismatch === 0 &&
    (permissions?.compared.mismatch ?? 0) > 0
  )
}

const most = (counts: Record<string, number>) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_PATHS)

/** A user whom no other write of the demonstration touches: they have their title changed alone. */
const WRITTEN = '/users/1/'

async function writeByBoth({ stage, say }: Deps, set: (...of: [string, string[], string]) => Promise<void>) {
  const titleAt = async (url: string) =>
    ((await (await fetch(`${url}${WRITTEN}`, { headers: stage.clients })).json()) as { title: string }).title
  const write = async (title: string) => {
    const answer = await fetch(`${stage.url}${WRITTEN}`, {
      method: 'PATCH',
      headers: { ...stage.clients, 'content-type': 'application/json' },
      body: JSON.stringify({ title }),
    })
    await answer.body?.cancel()
    return { by: answer.headers.get('answered-by'), atMs: performance.now() }
  }
  const shows = async (url: string, title: string, atMs: number) => {
    await until(`${url} shows ${title}`, async () => (await titleAt(url)) === title, VISIBLE_LIMIT_MS)
    return `${(performance.now() - atMs).toFixed(0)} ms`
  }
  const theirs = await write('Written by Django')
  say(
    `PATCH ${WRITTEN}, by ${theirs.by}: the service's own read shows it ${await shows(stage.url, 'Written by Django', theirs.atMs)} later`,
  )
  await set('change-user', ['native'], 'the same command as /v1')
  await until('the write is ours', async () => (await stage.route('change-user')).mode === 'native')
  const ours = await write('Written by us')
  say(
    `PATCH ${WRITTEN}, by ${ours.by}: Django shows it ${await shows(stage.django.url, 'Written by us', ours.atMs)} later`,
  )
  return theirs.by === 'legacy' && ours.by === 'native'
}
