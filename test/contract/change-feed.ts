import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Change } from '../../src/ports.ts'
import { until } from '../support/service.ts'
import { BATCH, claims, holdAll, idsOf, insertChange, NO_POLL_MS, openFilled, subscribe, waiting } from './feed-rig.ts'
import { gate, insertUser, type OpenRig, run, truthOf } from './rig.ts'

export function changeFeedContract(open: OpenRig): void {
  describe('direct feed', () => {
    handing(open)
    failing(open)
    waking(open)
    marking(open)
  })
}

function handing(open: OpenRig): void {
  test('what is there at the start is handed on in batches of 500, each forgotten', async (t) => {
    const rig = await openFilled(t, open, 1_203)
    // Only a full batch is followed by the next one at once: the rest waits for a poll that does not come.
    const { handled } = subscribe({ rig, pollMs: NO_POLL_MS })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(
      handled.map(({ length }) => length),
      [BATCH, BATCH, 203],
    )
    assert.deepEqual(
      handled.flat(),
      Array.from({ length: 1_203 }, (_, index) => index + 1),
    )
    assert.equal(await claims(rig), 0)
  })

  test('a batch is forgotten only after it has been handled, and without what came meanwhile', async (t) => {
    const rig = await openFilled(t, open, 2)
    const begun = gate()
    const { passed, open: finish } = gate()
    const handle = async () => {
      begun.open()
      await passed
    }
    const { handled } = subscribe({ rig, handle })
    rig.after(finish)
    await begun.passed
    await insertChange(rig, 3)
    assert.equal(await waiting(rig), 3)
    finish()
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [[1, 2], [3]])
  })

  test('batches are handled one at a time', async (t) => {
    const rig = await openFilled(t, open, 1_001)
    let running = 0
    let most = 0
    const handle = async () => {
      running += 1
      most = Math.max(most, running)
      wake()
      await new Promise(setImmediate)
      running -= 1
    }
    const { wake } = subscribe({ rig, handle })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.equal(most, 1)
  })

  test('what commits late, with an id below those already handled, is not lost', async (t) => {
    const rig = await open(t)
    for (const id of [7, 9]) await insertChange(rig, id)
    const { handled } = subscribe({ rig })
    await until('two are forgotten', async () => (await waiting(rig)) === 0)
    for (const id of [8, 3, 1]) {
      await insertChange(rig, id)
      await until(`${id} is forgotten`, async () => (await waiting(rig)) === 0)
    }
    assert.deepEqual(handled.flat(), [7, 9, 8, 3, 1])
  })

  test('what a program of another kind commits is handed on, as it comes', async (t) => {
    const rig = await open(t)
    for (const userId of [1, 2]) await insertUser(rig.database, userId)
    await run(rig.database, 'DELETE FROM entity_changes')
    const seen = new Set<string>()
    const { handled } = subscribe({
      rig,
      handle: async (changes) => {
        for (const { entity, entityId } of changes) seen.add(`${entity} ${entityId}`)
      },
    })
    const update = (id: number) => `UPDATE users SET email = ? WHERE user_id = ${id}`
    await rig.otherProgram([update(1), update(2)], 100).ended
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual([...seen].sort(), ['user 1', 'user 2'])
    assert.equal(handled.flat().length, 200)
    assert.equal(new Set(handled.flat()).size, 200)
  })
}

function failing(open: OpenRig): void {
  const boom = () => Promise.reject(new Error('out of reach'))

  test('a batch that can’t be handled stays, and is tried again until it can', async (t) => {
    const rig = await openFilled(t, open, 2)
    const tries: number[][] = []
    const { handled } = subscribe({
      rig,
      handle: async (changes) => {
        tries.push(idsOf(changes))
        assert.equal(await waiting(rig), 2)
        if (tries.length < 3) await boom()
      },
    })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(tries, new Array(3).fill([1, 2]))
    assert.deepEqual(handled, [[1, 2]])
  })

  test('a batch that could not be forgotten is handled again: twice rather than never', async (t) => {
    const rig = await openFilled(t, open, 2)
    let failures = 1
    const { handled } = subscribe({
      rig,
      outbox: ({ forget }) => ({
        forget: (...handed) => {
          failures -= 1
          return failures >= 0 ? boom() : forget(...handed)
        },
      }),
    })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [
      [1, 2],
      [1, 2],
    ])
  })

  test('while the database is away the feed waits, and then goes on', async (t) => {
    const rig = await openFilled(t, open, 1)
    let failures = 2
    const { handled, counts } = subscribe({
      rig,
      outbox: ({ claim }) => ({
        claim: () => {
          failures -= 1
          return failures >= 0 ? boom() : claim()
        },
      }),
    })
    await until('it is handled', async () => handled.length > 0)
    assert.deepEqual([handled, counts.waited], [[[1]], 2])
  })

  test('a mark that can’t be kept holds nothing up, and the next one is kept', async (t) => {
    const rig = await openFilled(t, open, 1)
    let failures = 1
    const { handled, marks } = subscribe({
      rig,
      onMark: async () => {
        failures -= 1
        if (failures >= 0) await boom()
      },
    })
    await until('it is handled', async () => handled.length > 0)
    assert.equal(marks.length, 0)
    await until('a mark is kept', async () => marks.length > 0)
  })
}

function waking(open: OpenRig): void {
  test('a wake makes it look at once', async (t) => {
    const rig = await openFilled(t, open, 1)
    const { handled, wake } = subscribe({ rig, pollMs: NO_POLL_MS })
    await until('the first is forgotten', async () => (await waiting(rig)) === 0)
    await insertChange(rig, 2)
    wake()
    await until('the second is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [[1], [2]])
  })

  test('a wake while a batch is handled is not lost', async (t) => {
    const rig = await openFilled(t, open, 1)
    const handle = async ([first]: Change[]) => {
      if (first?.changeId !== 1) return
      await insertChange(rig, 2)
      wake()
    }
    const { handled, wake } = subscribe({ rig, pollMs: NO_POLL_MS, handle })
    await until('both are forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [[1], [2]])
  })

  test('without any wake it polls', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { handled } = subscribe({ rig })
    for (const id of [1, 2, 3]) {
      await insertChange(rig, id)
      await until(`${id} is forgotten`, async () => (await waiting(rig)) === 0)
    }
    assert.deepEqual(handled, [[1], [2], [3]])
  })

  test('stop waits for the batch in hand; afterwards nothing is handed on', async (t) => {
    const rig = await openFilled(t, open, 1)
    const begun = gate()
    const { passed, open: finish } = gate()
    const handle = async () => {
      begun.open()
      await passed
    }
    const { handled, stop, wake } = subscribe({ rig, handle })
    rig.after(finish)
    await begun.passed
    await insertChange(rig, 2)
    const stopped = stop()
    finish()
    await stopped
    assert.deepEqual(handled, [[1]])
    wake()
    await stop()
    assert.deepEqual([await waiting(rig), handled.length], [1, 1])
  })

  test('stop does not wait for the next poll', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { marks, stop } = subscribe({ rig, pollMs: NO_POLL_MS })
    await until('it has looked once', async () => marks.length > 0)
    await stop()
  })
}

function marking(open: OpenRig): void {
  test('with nothing pending the mark is the database’s time, taken before the look', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { now } = truthOf(rig)
    const before = await now()
    const { marks } = subscribe({ rig })
    await until('a mark is given', async () => marks.length > 0)
    const times = [before, marks[0] ?? '', await now()]
    assert.deepEqual(times, times.toSorted())
  })

  test('with changes pending the mark is the oldest of them, and is given before they are handled', async (t) => {
    const rig = await open(t)
    await insertChange(rig, 1, '2021-01-01 00:00:00.000')
    await insertChange(rig, 2, '2020-06-01 00:00:00.000')
    const seen: string[] = []
    const { marks } = subscribe({
      rig,
      onMark: async ({ before }) => void seen.push(before),
      handle: async () => void seen.push('handled'),
    })
    await until('a second mark is given', async () => marks.length > 1)
    assert.deepEqual(seen.slice(0, 2), ['2020-06-01 00:00:00.000', 'handled'])
    assert.ok((marks[1] ?? '') > '2026', 'then nothing is pending')
  })

  test('marks come about once a second, not with every look', async (t) => {
    const rig = await openFilled(t, open, 1_203)
    const { marks } = subscribe({ rig })
    const begun = performance.now()
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.ok(marks.length <= 1 + Math.floor((performance.now() - begun) / 1_000), `${marks.length} marks`)
  })

  test('what is written while the mark is taken is not passed over', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { now } = truthOf(rig)
    let writtenAt = ''
    const { marks } = subscribe({
      rig,
      outbox: ({ oldest }) => ({
        oldest: async () => {
          const answer = await oldest()
          writtenAt = await now()
          await insertChange(rig, 1, writtenAt)
          await until('the clock has gone on', async () => (await now()) > writtenAt)
          return answer
        },
      }),
    })
    await until('a mark is given', async () => marks.length > 0)
    assert.ok((marks[0] ?? '') <= writtenAt, `${marks[0]} after ${writtenAt}`)
  })

  test('what another worker has in hand holds the mark back as well', async (t) => {
    const rig = await open(t)
    await insertChange(rig, 1, '2020-06-01 00:00:00.000')
    await holdAll(rig)
    await insertChange(rig, 2, '2021-01-01 00:00:00.000')
    const { handled, marks } = subscribe({ rig })
    await until('the other is handled', async () => handled.length > 0)
    assert.deepEqual([handled, marks], [[[2]], ['2020-06-01 00:00:00.000']])
  })

  test('how old each change was when it had been handled is told, by the database’s clock', async (t) => {
    const rig = await open(t)
    const { now } = truthOf(rig)
    await insertChange(rig, 1, '2020-06-01 00:00:00.000')
    await insertChange(rig, 2, await now())
    await insertChange(rig, 3, '9999-01-01 00:00:00.000')
    const before = Date.parse(`${await now()}Z`) - Date.parse('2020-06-01 00:00:00.000Z')
    const { counts } = subscribe({ rig })
    await until('all are handled', async () => counts.handled === 3)
    const [old = 0, young = 0, ofAClockSetBack] = counts.staleness
    assert.ok(old >= before && old < before + 10_000, `${old - before} ms more`)
    assert.ok(young >= 0 && young < 10_000, `${young} ms`)
    assert.equal(ofAClockSetBack, 0)
  })
}
