import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SqlChanges } from '../../src/adapters/sql/changes.ts'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import type { Change } from '../../src/ports.ts'
import { until } from '../support/service.ts'
import { claims, endWaits, idsOf, insertChange, subscribe, WRITTEN, waiting } from './feed-rig.ts'
import { gate, type OpenRig, type Rig } from './rig.ts'

const SEEDS = [1, 2, 3]
const WORKERS = 3
const USERS = 40
/** Users whose changes never go through. */
const FAULTY = [7, 8, 9]
/** Fewer where the rig says so. */
const CHANGES = 600
/** Longer where the rig says so: a worker that is only slow is not to be taken for dead. */
const LEASE_MS = 150
/** Fewer than would get an innocent change parked for being left behind. */
const DEATHS = 6
/** An outage that ends between a failure and the question whether others go through. */
const MAX_BLAMED = 2

export function feedUnderFireContract(open: OpenRig): void {
  describe('feeds under fire', () => {
    for (const seed of SEEDS) {
      test(`workers die, Redis comes and goes, answers get lost: all goes through but the faulty (seed ${seed})`, async (t) => {
        const rig = await open(t)
        const fire = playWith(rig, seed)
        await fire.write()
        fire.isOut = false
        await until(
          'nothing waits',
          async () => {
            // Pauses are tested elsewhere; leases end by themselves.
            const free = `UPDATE change_claims SET free_at = '${WRITTEN}' WHERE claim = '-'`
            await untilNotBusy(() => rig.database.execute(free))
            return (await untilNotBusy(() => waiting(rig))) === 0
          },
          rig.patienceMs,
        )
        fire.end()
        await untilNotBusy(() => endWaits(rig))
        await fire.check()
      })
    }
  })
}

const MAX_TRIES = 20

/** Where everybody waits for everybody's locks, a statement of the test's own may be refused: it is said again. */
async function untilNotBusy<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'busy' || tries === MAX_TRIES) throw error
    }
  }
}

/** `isOut`: nothing goes through. */
function playWith(rig: Rig, seed: number) {
  const roll = dice(mulberry32(seed))
  const changes = rig.changes ?? CHANGES
  const written = new Map<number, number>()
  const handled = new Set<number>()
  const { passed, open: end } = gate()
  const play = { isOut: false, write, end, check }
  const workers = Array.from({ length: WORKERS }, (_, index) => startWorker(index))

  function startWorker(index: number) {
    const life = { dead: false }
    subscribe({
      rig,
      database: index % 2 === 0 ? rig.database : rig.other,
      leaseMs: rig.leaseMs ?? LEASE_MS,
      outbox: (real) => mortal(real, life, () => roll.below(20) === 0),
      isOutage: (error) => error instanceof Error && error.message === 'no Redis',
      othersGoThrough: async () => !play.isOut,
      handle: async (changes) => {
        await new Promise(setImmediate)
        if (life.dead) {
          await passed
          throw new Error('planted: the dead do nothing')
        }
        if (play.isOut) throw new Error(roll.below(2) === 0 ? 'no Redis' : 'who knows')
        if (changes.some(isFaulty)) throw new TypeError('planted')
        for (const id of idsOf(changes)) handled.add(id)
      },
    })
    rig.after(end)
    return life
  }

  /** Ids come in any order, as commits do. */
  async function write(): Promise<void> {
    const ids = Array.from({ length: changes }, (_, index) => index + 1)
    for (let deaths = 0; ids.length > 0; ) {
      const [id = 0] = ids.splice(roll.below(ids.length), 1)
      written.set(id, 1 + roll.below(USERS))
      await untilNotBusy(() => insertChange(rig, id, WRITTEN, written.get(id)))
      if (roll.below(40) === 0) play.isOut = !play.isOut
      if (roll.below(50) === 0 && deaths < DEATHS) {
        deaths += 1
        const index = roll.below(WORKERS)
        const victim = workers[index]
        if (victim) victim.dead = true
        workers[index] = startWorker(index)
      }
      if (roll.below(10) === 0) await new Promise(setImmediate)
      const innocent = await untilNotBusy(() =>
        rig.database.query(
          `SELECT c.change_id FROM change_claims h, entity_changes c WHERE c.change_id = h.change_id
         AND h.attempts > ${MAX_BLAMED} AND c.entity_id NOT IN (${FAULTY.map((userId) => `'${userId}'`).join(', ')})`,
        ),
      )
      assert.deepEqual(innocent, [], 'the others are not blamed')
    }
  }

  async function check(): Promise<void> {
    const parked = await rig.database.query('SELECT change_id FROM parked_changes ORDER BY change_id')
    const faulty = [...written].filter(([, userId]) => FAULTY.includes(userId)).map(([id]) => id)
    assert.ok(faulty.length > 0)
    assert.deepEqual(
      parked.map(({ change_id }) => change_id),
      faulty.sort((a, b) => a - b),
    )
    assert.equal(handled.size, changes - faulty.length)
    assert.equal(await claims(rig), 0)
  }
  return play
}

const isFaulty = ({ entityId }: Change): boolean => FAULTY.includes(Number(entityId))

/** An outbox that answers the dead no more, and whose answers to the living get lost now and then, done or not. */
function mortal(real: SqlChanges, life: { dead: boolean }, isLost: () => boolean): SqlChanges {
  const at = <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) => {
    return async (...args: Args): Promise<Answer> => {
      if (life.dead || isLost()) throw new Error('planted: not done')
      const answer = await call(...args)
      if (life.dead || isLost()) throw new Error('planted: done, but not heard of')
      return answer
    }
  }
  return {
    claim: at(real.claim),
    renew: at(real.renew),
    release: at(real.release),
    forget: at(real.forget),
    oldest: at(real.oldest),
    sweep: at(real.sweep),
  }
}
