import fc from 'fast-check'

/** `after`: not before another's step of this kind, like `flush`, has begun, or, like `flush ended`, is over. */
type Awaiting = { after?: string }
/** What a client asks for, at which API process. `careful`: with Min-Version, for all it has been shown. */
export type ClientStep = Awaiting & { via: number } & (
    | { do: 'byId' | 'permissions'; user: number; careful: boolean }
    | { do: 'byUsername'; name: string; careful: boolean }
    | { do: 'list'; limit: number }
    | { do: 'roster'; branch: string; limit: number }
    | { do: 'search'; q: string }
    | { do: 'details' | 'status'; user: number }
    | { do: 'rename'; user: number; name: string }
    | { do: 'assign'; user: number; branch: string }
    | { do: 'register'; name: string }
    | { do: 'defineRole' }
  )
/** Another program's transactions: open for a while, and no fence. */
export type ForeignStep = Awaiting &
  (
    | { do: 'details' | 'status' | 'delete' | 'create'; user: number }
    | { do: 'rename'; user: number; name: string }
    | { do: 'assign'; user: number; branch: string }
    | { do: 'swap'; user: number; other: number }
    | { do: 'role' }
  )
/** Handles one batch of changes; or looks whether Redis may be believed, and mends it. */
export type WorkerStep = Awaiting & { do: 'feed' | 'look' }
export type Trouble = Awaiting &
  (
    | { do: 'flush' | 'claimsEnd' }
    | { do: 'timePasses'; ms: number }
    | { do: 'failOver'; lost: number }
    | { do: 'drop' | 'kill' | 'mute'; process: number }
    | { do: 'evict' | 'leaseEnds' | 'ghostEnds'; user: number }
  )

export type AnyStep = ClientStep | ForeignStep | WorkerStep | Trouble

export type Program = {
  /** Whom it is about: what steps say of a user is a place in here, and goes around. */
  pool: number[]
  /** The read models are built before it begins. */
  warm: boolean
  isOld: boolean
  /** Another release, with another schema, is live as well. */
  twoSchemas: boolean
  /** API processes keep answers of their own. */
  nearCaches: boolean
  clients: ClientStep[][]
  foreign: ForeignStep[]
  workers: WorkerStep[][]
  trouble: Trouble[]
}

/** People 1 to 3 are there from the beginning. */
export const PEOPLE = [1, 2, 3]
export const BRANCHES = ['B1', 'B2']
export const NAMES = ['user1', 'user2', 'user3', 'New.Name']
/** A near cache that has been told of nothing for so long is not believed; what it holds is not too old by itself. */
const UNPROVED_MS = 2_000
/** Longer than any wait for somebody who must have died. */
const LONG_MS = 60_000
const QUERIES = ['', 'family', 'family1', 'other']

/** The step, about these people. */
export function about<Step extends object>(pool: number[], step: Step): Step {
  const named = Object.entries(step).map(([field, value]) =>
    field === 'user' || field === 'other' ? [field, pool[value % pool.length]] : [field, value],
  )
  return Object.fromEntries(named) as Step
}

/** A place in the pool. */
const user = fc.nat({ max: 3 })
const branch = fc.constantFrom(...BRANCHES)
const name = fc.constantFrom(...NAMES)
const careful = fc.boolean()
const limit = fc.constantFrom(10, 10, 2)
const via = fc.nat({ max: 1 })

type Weighed<Value> = [weight: number, arbitrary: fc.Arbitrary<Value>]
const weighed = <Value>(...choices: Weighed<Value>[]): fc.Arbitrary<Value> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
const some = <Value>(kinds: Weighed<Value>[], minLength: number, maxLength: number) =>
  fc.array(weighed(...kinds), { minLength, maxLength })
const one = <Verb extends string>(verb: Verb) => fc.constant<Verb>(verb)

type Kinds<Step> = Weighed<Step>[]
const aboutOne: Kinds<ClientStep> = [
  [4, fc.record({ do: one('byId'), user, careful, via })],
  [2, fc.record({ do: one('details'), user, via })],
]
const aboutNames: Kinds<ClientStep> = [
  [3, fc.record({ do: one('byUsername'), name, careful, via })],
  [2, fc.record({ do: one('rename'), user, name, via })],
  [1, fc.record({ do: one('register'), name, via })],
]
const aboutLists: Kinds<ClientStep> = [
  [2, fc.record({ do: one('roster'), branch, limit, via })],
  [1, fc.record({ do: one('list'), limit, via })],
  [1, fc.record({ do: one('search'), q: fc.constantFrom(...QUERIES), via })],
  [1, fc.record({ do: one('assign'), user, branch, via })],
  [1, fc.record({ do: one('status'), user, via })],
  [1, fc.record({ do: one('details'), user, via })],
]
const aboutRoles: Kinds<ClientStep> = [
  [2, fc.record({ do: one('permissions'), user, careful, via })],
  [1, fc.record({ do: one('defineRole'), via })],
]
const aboutAll = [...aboutOne, ...aboutNames, ...aboutLists, ...aboutRoles]
const themes = [aboutOne, aboutOne, aboutNames, aboutLists, aboutRoles, aboutAll, aboutAll]

const foreign: Kinds<ForeignStep> = [
  [3, fc.record({ do: one('details'), user })],
  [2, fc.record({ do: one('rename'), user, name })],
  [2, fc.record({ do: one('swap'), user, other: user })],
  [2, fc.record({ do: one('assign'), user, branch })],
  [1, fc.record({ do: one('status'), user })],
  [1, fc.record({ do: one('delete'), user })],
  [1, fc.record({ do: one('create'), user })],
  [1, fc.record({ do: one('role') })],
]
const work: Kinds<WorkerStep> = [
  [1, fc.record({ do: one('feed') })],
  [1, fc.record({ do: one('look') })],
]
const ofRedis: Kinds<Trouble> = [
  [2, fc.record({ do: one('flush') })],
  [2, fc.record({ do: one('failOver'), lost: fc.oneof(fc.nat({ max: 6 }), fc.nat({ max: 60 })) })],
  [1, fc.record({ do: one('timePasses'), ms: fc.constantFrom(UNPROVED_MS, LONG_MS) })],
]
const ofEntries: Kinds<Trouble> = [
  [6, fc.record({ do: one('evict'), user })],
  [1, fc.record({ do: one('leaseEnds'), user })],
  [1, fc.record({ do: one('ghostEnds'), user })],
]
const ofProcesses: Kinds<Trouble> = [
  [2, fc.record({ do: one('drop'), process: fc.nat({ max: 4 }) })],
  [2, fc.record({ do: one('kill'), process: fc.nat({ max: 4 }) })],
  [2, fc.record({ do: one('mute'), process: fc.nat({ max: 1 }) })],
  [1, fc.record({ do: one('claimsEnd') })],
]
const troubles = [ofRedis, ofEntries, ofProcesses, [...ofRedis, ...ofEntries, ...ofProcesses]]

type Parts = { [Part in keyof Program]: fc.Arbitrary<Program[Part]> }
/** Most are about little, and have trouble of one kind: what takes two of it happens sooner. */
const ANYTHING: Parts = {
  pool: fc.constantFrom([1], [1], [1, 2], [1, 4], [1, 2, 3, 4]),
  warm: weighed([4, fc.constant(true)], [1, fc.constant(false)]),
  isOld: weighed([9, fc.constant(false)], [1, fc.constant(true)]),
  twoSchemas: weighed([4, fc.constant(false)], [1, fc.constant(true)]),
  nearCaches: fc.boolean(),
  clients: fc.oneof(...themes.map((kinds) => fc.array(some(kinds, 1, 5), { minLength: 1, maxLength: 3 }))),
  foreign: some(foreign, 0, 4),
  workers: fc.array(some(work, 1, 5), { maxLength: 2 }),
  trouble: fc.oneof(fc.constant<Trouble[]>([]), ...troubles.map((kinds) => some(kinds, 1, 3))),
}

/** Anything, but with these parts as they are given: what is rare otherwise is then all there is. */
export function programs(given: Partial<Program> = {}): fc.Arbitrary<Program> {
  const parts = Object.fromEntries(Object.entries(given).map(([part, value]) => [part, fc.constant(value)]))
  return fc.record({ ...ANYTHING, ...(parts as Partial<Parts>) })
}

const MAX_CHOICES = 300
/** The more often another task is chosen than what comes next by itself, the finer things are mixed. */
const MIXTURES = [1, 3, 10, 30]
const MAX_CHOICE = 30
export const choices: fc.Arbitrary<number[]> = fc.oneof(
  ...MIXTURES.map((weight) =>
    fc.array(weighed([10, fc.constant(0)], [weight, fc.nat({ max: MAX_CHOICE })]), {
      maxLength: MAX_CHOICES,
      size: 'max',
    }),
  ),
)
