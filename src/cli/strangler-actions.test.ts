import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNLIMITED } from '../domain/authority.ts'
import type { RouteSetting } from '../domain/strangler.ts'
import type { Evidence } from '../ports/evidence.ts'
import type { Strangler } from '../wiring-strangling.ts'
import { listRoutes, promoteRoute, resetRoute, setRoute } from './strangler-actions.ts'

const BY = { name: 'cli:ann', requestId: '', address: 'host', ...UNLIMITED }
const NO_COMPARISONS = { equal: 0, mismatch: 0, noise: 0, race: 0, failed: 0, dropped: 0 }
const side = (requests: number) => ({ requests, failed: 0, buckets: [requests] })
const seen = (requests: number, given: Partial<Evidence> = {}): Evidence => ({
  ...{ since: 'start', legacy: side(requests), native: side(requests) },
  ...{ compared: { ...NO_COMPARISONS, equal: requests }, paths: {}, noise: {}, samples: [] },
  ...given,
})

/** One route, and a clock that moves only while it is waited for. */
function start(evidenceAt: (step: number) => Evidence | null = () => seen(100)) {
  let setting: RouteSetting | null = null
  let nowMs = 0
  const told: string[] = []
  const steps: string[] = []
  const strangler: Strangler = {
    find: (name) =>
      name === 'get-user' || name === 'GET:/users/:id'
        ? ({ id: 'get-user' } as ReturnType<Strangler['find']>)
        : undefined,
    async list() {
      const mode = setting?.mode ?? 'legacy'
      const percent = setting?.mode === 'canary' ? setting.percent : null
      const evidence = evidenceAt(steps.length)
      return [{ route: 'get-user', name: 'GET:/users/:id', mode, percent, setting, evidence }]
    },
    async set({ to, reason, by, ifSetAt }) {
      if (ifSetAt !== undefined && ifSetAt !== (setting?.at ?? null))
        return { route: 'get-user', setting, visible: true }
      steps.push(to.mode === 'canary' ? String(to.percent) : to.mode)
      setting = { ...to, reason, by: by.name, at: `t${steps.length}` }
      return { route: 'get-user', setting, visible: true }
    },
    async reset() {
      setting = null
      return { route: 'get-user', setting: null, visible: true }
    },
    close: async () => undefined,
  }
  const goal = { reason: 'r', by: BY, to: 'native', stepMs: 1_000, least: 100 } as const
  const promote = (given: { again?: boolean; during?: () => void; stop?: AbortSignal } = {}) =>
    promoteRoute(
      strangler,
      'get-user',
      { ...goal, again: given.again ?? false, patienceMs: 60_000, lookEveryMs: 500 },
      {
        tell: (line) => void told.push(line),
        async pause(ms) {
          nowMs += ms
          given.during?.()
        },
        now: () => nowMs,
        stop: given.stop ?? new AbortController().signal,
      },
    )
  const put = (next: RouteSetting | null) => {
    setting = next
  }
  return { strangler, promote, steps, told, put, now: () => nowMs }
}

test('promoted, a route goes all the way while nothing speaks against it, and each step has its time', async () => {
  const { promote, steps, told, now } = start()
  assert.deepEqual(await promote(), { done: true, why: 'get-user is in native' })
  assert.deepEqual(steps, ['shadow', '1', '5', '25', '50', '100', 'native'])
  assert.ok(now() >= 6_000, `${now()} ms`)
  assert.ok(told.includes('get-user: canary 5 % (before: 100 compared, 0 differ, 0 noise, 0 failed)'), told.join('\n'))
})

test('a difference ends it where it is, and says where they differ', async () => {
  const differing = seen(100, { compared: { ...NO_COMPARISONS, equal: 99, mismatch: 1 }, paths: { '/title': 1 } })
  const { promote, steps } = start((step) => (step < 3 ? seen(100) : differing))
  assert.deepEqual(await promote(), { done: false, why: '1 answers differ, at /title (1×)' })
  assert.deepEqual(steps, ['shadow', '1', '5'])
})

test('somebody else sets the route: it is theirs', async () => {
  const { promote, put, steps } = start()
  const theirs: RouteSetting = { mode: 'legacy', reason: 'no', by: 'eve', at: 'then' }
  const why = 'somebody else has set it: legacy, by eve: no'
  assert.deepEqual(await promote({ during: () => put(theirs) }), { done: false, why })
  assert.deepEqual(steps, ['shadow'])
})

test('what never comes is not waited for for ever', async () => {
  const { promote, now } = start(() => seen(99))
  assert.deepEqual(await promote(), { done: false, why: 'waited too long: 99 of 100 answers compared' })
  assert.ok(now() > 60_000 && now() < 70_000)
})

test('a canary that was set back is left there, unless somebody says: again', async () => {
  const { promote, put, steps } = start()
  put({ mode: 'legacy', reason: '9 % differ', by: 'parachute', at: 'then' })
  assert.deepEqual(await promote(), {
    done: false,
    why: 'it was set back: 9 % differ. Mend that, and say --again.',
  })
  assert.deepEqual(steps, [])
  assert.equal((await promote({ again: true })).done, true)
})

test('told to stop, it leaves the route as it is', async () => {
  const { promote, steps } = start()
  const stopping = new AbortController()
  const ended = await promote({ during: () => stopping.abort(), stop: stopping.signal })
  assert.deepEqual([ended, steps], [{ done: false, why: 'stopped; the route stays as it is' }, ['shadow']])
})

test('set and reset say what is so then; an unknown route is named', async () => {
  const { strangler } = start()
  const to = { mode: 'canary', percent: 5 } as const
  const set = await setRoute(strangler, 'GET:/users/:id', { to, reason: 'r', by: BY })
  assert.equal(set, 'GET:/users/:id is in canary 5 %; in force everywhere within a second.\n')
  assert.equal(await resetRoute(strangler, 'get-user', BY), 'get-user is in legacy again, as it starts.\n')
  await assert.rejects(setRoute(strangler, 'none', { to, reason: 'r', by: BY }), /There is no route "none"/)
})

test('listed: who answers, since when and why, how well, and where answers differ', async () => {
  const evidence = seen(10, { paths: { '/title': 2 }, noise: { '/generated_at': 10 } })
  const { strangler, put } = start(() => evidence)
  put({ mode: 'shadow', reason: 'r', by: 'ann', at: '2024-06-01T09:00:00.000Z' })
  const text = await listRoutes(strangler, {})
  for (const part of [
    'GET:/users/:id  (get-user)\n  shadow\n  since 2024-06-01T09:00:00.000Z by ann: r\n',
    'legacy: 10 answers, 0 failed',
    'compared: 10 equal, 0 differ',
    'differs at /title: 2',
    'changes by itself at /generated_at: 10',
  ])
    assert.ok(text.includes(part), text)
  assert.deepEqual(JSON.parse(await listRoutes(strangler, { json: true })), { routes: await strangler.list() })
})
