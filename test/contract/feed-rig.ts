import { outboxMark, type SqlChanges, sqlChanges } from '../../src/adapters/sql/changes.ts'
import { directFeed } from '../../src/adapters/sql/direct-feed.ts'
import { sqlParked } from '../../src/adapters/sql/parked.ts'
import type { FeedObserver } from '../../src/ports/feed-observer.ts'
import type { Change, ChangeSubscriber, Database } from '../../src/ports.ts'
import { quiet } from '../support/service.ts'
import { numberOf, type OpenRig, type Owner, type Rig, truthOf } from './rig.ts'

const POLL_MS = 2
/** Longer than any test: what comes nevertheless has come by a wake. */
export const NO_POLL_MS = 600_000
/** Longer than any test: what is taken over nevertheless was given back. */
export const LEASE_MS = 600_000
export const BATCH = 500
export const WRITTEN = '2020-01-01 00:00:00.000'

type Options = Partial<ChangeSubscriber> & {
  rig: Rig
  database?: Database
  pollMs?: number
  leaseMs?: number
  /** What differs from the real outbox. */
  outbox?: (real: SqlChanges) => Partial<SqlChanges>
}

/** One worker's feed, which keeps what it has been given; what `handle` rejects is not kept. */
export function subscribe({ rig, database = rig.database, outbox, ...options }: Options) {
  const { pollMs = POLL_MS, leaseMs = LEASE_MS } = options
  const handled: number[][] = []
  const marks: string[] = []
  const givenUp: string[] = []
  const counted = counting()
  const real = sqlChanges(database, { leaseMs })
  const changes = { ...real, ...outbox?.(real) }
  const truth = truthOf({ ...rig, database })
  const feed = directFeed({
    changes,
    parked: sqlParked(database),
    mark: outboxMark(changes, truth),
    truth,
    pollMs,
    leaseMs,
    log: quiet,
    observe: counted.observer,
  })
  const subscription = feed.subscribe({
    async handle(batch) {
      await options.handle?.(batch)
      handled.push(idsOf(batch))
    },
    isOutage: options.isOutage ?? (() => false),
    othersGoThrough: options.othersGoThrough ?? (async () => false),
    async giveUp(change) {
      await options.giveUp?.(change)
      givenUp.push(`${change.entity} ${change.entityId}`)
    },
    async onMark(mark) {
      await options.onMark?.(mark)
      marks.push(mark.before)
    },
    onLost: async () => undefined,
  })
  rig.after(subscription.stop)
  return { ...subscription, handled, marks, givenUp, counts: counted.counts }
}

function counting() {
  const counts = { handled: 0, retried: 0, parked: 0, waited: 0, claimsLost: 0, staleness: [] as number[] }
  const observer: FeedObserver = {
    handled: (stalenessMs) => {
      counts.handled += stalenessMs.length
      counts.staleness.push(...stalenessMs)
    },
    retried: (changes) => {
      counts.retried += changes
    },
    parked: (changes) => {
      counts.parked += changes
    },
    waited: () => {
      counts.waited += 1
    },
    claimsLost: (changes) => {
      counts.claimsLost += changes
    },
    unknown: () => undefined,
    waiting: () => undefined,
  }
  return { counts, observer }
}

export const idsOf = (changes: Change[]): number[] => changes.map(({ changeId }) => changeId)

type Sql = { database: Pick<Database, 'query' | 'execute'> }

/** A change of the user with this number, unless another is named. */
export const insertChange = ({ database }: Sql, id: number, changedAt = WRITTEN, userId = id) =>
  database.execute(`INSERT INTO entity_changes (change_id, entity, entity_id, changed_at) VALUES (?, 'user', ?, ?)`, [
    id,
    String(userId),
    changedAt,
  ])
export const waiting = ({ database }: Sql) => numberOf(database, 'SELECT COUNT(*) AS n FROM entity_changes')
export const claims = ({ database }: Sql) => numberOf(database, 'SELECT COUNT(*) AS n FROM change_claims')

export async function openFilled(
  t: Owner,
  open: OpenRig,
  count: number,
  options?: Parameters<OpenRig>[1],
): Promise<Rig> {
  const rig = await open(t, options)
  await rig.database.transaction(async (database) => {
    for (let id = 1; id <= count; id += 1) await insertChange({ database }, id)
  })
  return rig
}

/** As if every lease and every back-off had ended. */
export const endWaits = ({ database }: Sql) => database.execute(`UPDATE change_claims SET free_at = '${WRITTEN}'`)

/** Another worker takes all that is there, and keeps it. */
export async function holdAll({ other }: Pick<Rig, 'other'>) {
  const changes = sqlChanges(other, { leaseMs: LEASE_MS })
  const claim = await changes.claim()
  if (typeof claim === 'string') throw new Error(`nothing to hold: ${claim}`)
  return { ...changes, held: claim }
}
