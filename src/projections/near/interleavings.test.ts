import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type NearCache, nearCache, type Placeholder } from './near-cache.ts'

const SEED = 20_260_114
const RUNS = { seed: SEED, numRuns: 2_000 }
const KEYS = 2

type Value = { version: number }
type Cache = NearCache<number, Value>

/** One thing that happens. Reads and messages are taken by number, modulo those that are under way. */
type Step =
  | { what: 'write' | 'begin'; key: number }
  | { what: 'serve' | 'answer' | 'deliver' | 'evict'; which: number }
  | { what: 'flush' | 'down' | 'up' }
const key = fc.nat(KEYS - 1)
const which = fc.nat(5)
const often = <What extends string>(weight: number, what: What, more: object = {}) => ({
  weight,
  arbitrary: fc.record({ what: fc.constant(what), ...more }) as fc.Arbitrary<Step>,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  often(2, 'write', { key }),
  often(4, 'begin', { key }),
  often(4, 'serve', { which }),
  often(4, 'answer', { which }),
  often(3, 'deliver', { which }),
  often(1, 'evict', { which: key }),
  often(1, 'flush'),
  often(1, 'down'),
  // Most of what is interesting happens while it is up.
  often(3, 'up'),
)
const schedule = fc.array(step, { minLength: 20, maxLength: 60 })

/**
 * A server, a near cache, and everything between them that may be late: reads that have begun but not been served,
 * answers on their way, and invalidations on their way, which are lost when the connection is. `check` throws when the
 * cache holds what nobody may be given.
 */
function play(cache: Cache) {
  const versions: number[] = Array(KEYS).fill(1)
  /** Newest version whose invalidation has been delivered while the cache was up. */
  let delivered: number[] = Array(KEYS).fill(0)
  let messages: ({ key: number; version: number } | null)[] = []
  const reads: { key: number; placeholder: Placeholder<number> | null; version: number | null }[] = []
  let listening = false
  const told = (message: { key: number; version: number } | null) => {
    if (listening) messages.push(message)
  }
  const write = (at: number) => {
    versions[at] = (versions[at] ?? 0) + 1
    told({ key: at, version: versions[at] ?? 0 })
  }
  const deliver = (message: { key: number; version: number } | null) => {
    if (message === null) {
      cache.clear()
      return
    }
    cache.invalidate(message.key)
    delivered[message.key] = Math.max(delivered[message.key] ?? 0, message.version)
  }
  const take = (step: Step) => {
    switch (step.what) {
      case 'write':
        return write(step.key)
      case 'begin':
        return void reads.push({ key: step.key, placeholder: cache.begin(step.key), version: null })
      case 'serve': {
        const waiting = reads.filter(({ version }) => version === null)
        const read = waiting[step.which % waiting.length]
        if (read) read.version = versions[read.key] ?? 0
        return
      }
      case 'answer': {
        const served = reads.filter(({ version }) => version !== null)
        const read = served[step.which % served.length]
        if (!read) return
        reads.splice(reads.indexOf(read), 1)
        return void cache.keep(read.placeholder, { version: read.version ?? 0 })
      }
      case 'deliver': {
        // In their order: it is one connection.
        const message = messages.shift()
        return message === undefined ? undefined : deliver(message)
      }
      case 'evict':
        return cache.invalidate(step.which)
      case 'flush':
        for (let at = 0; at < KEYS; at += 1) versions[at] = (versions[at] ?? 0) + 1
        return told(null)
      case 'down':
        listening = false
        messages = []
        delivered = Array(KEYS).fill(0)
        return cache.down()
      case 'up':
        if (listening) return
        listening = true
        return cache.up()
    }
  }
  const check = () => {
    for (let at = 0; at < KEYS; at += 1) {
      const held = cache.get(at)?.version
      if (held === undefined) continue
      assert.ok(listening, `key ${at} is served while nobody listens`)
      assert.ok(held >= (delivered[at] ?? 0), `key ${at} at ${held}, told of ${delivered[at]}`)
      const late = messages.some((message) => message === null || message.key === at)
      assert.ok(late || held === versions[at], `key ${at} at ${held} for good, the truth is at ${versions[at]}`)
    }
  }
  return { take, check }
}

const newCache = (): Cache =>
  nearCache<number, Value>({ maxBytes: 1_000_000, bytesOf: () => 1, provedAtMs: () => performance.now() })

function holds(make: () => Cache): void {
  fc.assert(
    fc.property(schedule, (steps) => {
      const { take, check } = play(make())
      take({ what: 'up' })
      for (const one of steps) {
        take(one)
        check()
      }
    }),
    RUNS,
  )
}

test(`whatever the order: nothing older than what was told of, nothing old for good (seed ${SEED})`, () => {
  holds(newCache)
})

test(`the schedules are worth something: answers are served, kept and refused (seed ${SEED})`, () => {
  const seen = { kept: 0, refused: 0, served: 0 }
  for (const steps of fc.sample(schedule, { seed: SEED, numRuns: 300 })) {
    const cache = newCache()
    const keep = (placeholder: Placeholder<number> | null, value: Value | null) => {
      const kept = cache.keep(placeholder, value)
      seen[kept ? 'kept' : 'refused'] += 1
      return kept
    }
    const { take } = play({ ...cache, keep })
    take({ what: 'up' })
    for (const one of steps) {
      take(one)
      for (let at = 0; at < KEYS; at += 1) seen.served += cache.get(at) ? 1 : 0
    }
  }
  assert.ok(
    Object.values(seen).every((count) => count > 100),
    JSON.stringify(seen),
  )
})

/** As a client would be written by somebody who has not thought of it. */
const FAULTS: { what: string; plant(cache: Cache): Cache }[] = [
  {
    what: 'no placeholder',
    plant: (cache) => ({
      ...cache,
      keep: (placeholder, value) => cache.keep(placeholder && cache.begin(placeholder.key), value),
    }),
  },
  {
    what: 'the placeholder put down after the read was served',
    plant(cache) {
      const asked = new Map<Placeholder<number>, number>()
      return {
        ...cache,
        begin(at) {
          const empty = { key: at, begunAtMs: 0 }
          asked.set(empty, at)
          return empty
        },
        keep: (placeholder, value) => cache.keep(placeholder && cache.begin(placeholder.key), value),
      }
    },
  },
  { what: 'no flush when the connection is lost', plant: (cache) => ({ ...cache, down: () => undefined }) },
  {
    what: 'entries flushed on reconnect, reads under way not',
    plant: (cache) => {
      let lost = false
      return {
        ...cache,
        down() {
          lost = true
          for (let at = 0; at < KEYS; at += 1) if (cache.get(at)) cache.invalidate(at)
        },
        get: (at) => (lost ? undefined : cache.get(at)),
        up() {
          lost = false
          cache.up()
        },
        begin: (at) => (lost ? null : cache.begin(at)),
      }
    },
  },
  { what: 'FLUSHALL not understood', plant: (cache) => ({ ...cache, clear: () => undefined }) },
  {
    what: 'an invalidation takes the entry but leaves the placeholder',
    plant: (cache) => ({ ...cache, invalidate: (at) => void (cache.get(at) && cache.invalidate(at)) }),
  },
  { what: 'invalidations lost', plant: (cache) => ({ ...cache, invalidate: () => undefined }) },
]

for (const { what, plant } of FAULTS) {
  test(`a cache with a fault is found out: ${what}`, () => {
    assert.throws(() => holds(() => plant(newCache())), /Counterexample/)
  })
}
