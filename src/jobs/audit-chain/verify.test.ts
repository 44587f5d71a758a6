import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokenPlace, VerifiedUpTo } from '../../ports/audit-trail.ts'
import type { Log } from '../../ports.ts'
import { chainFigures } from './passes.ts'
import { type ChainProgress, chainVerifier } from './verify.ts'

const NOW = 1_800_000_000_000
const never = new AbortController().signal
const place = (seq: number): BrokenPlace => ({ entity: 'user', entityId: '7', seq, auditId: null, what: 'missing' })
const UP_TO: VerifiedUpTo = { part: 'chains', entity: 'user', after: '7' }

/** A pass over pages, each of which finds so many places; `dies`: in that page, before it is done. */
function stage() {
  const fields: Record<string, string> = {}
  const said: [level: string, what: Record<string, unknown>][] = []
  const note = (level: string) => (what: Record<string, unknown>) => void said.push([level, what])
  const log = { error: note('error'), info: note('info') } as unknown as Log
  const paced: number[] = []
  let kept: ChainProgress | null = null
  const run = (pages: number[], dies?: number) =>
    chainVerifier({
      ...{ log, now: () => NOW },
      tally: { remember: async (what, value) => void Object.assign(fields, { [what]: String(value) }) },
      pace: () => async (rows) => void paced.push(rows),
      async verify(_stop, found, { from, reached }) {
        assert.deepEqual(from, kept && UP_TO)
        const counts = { chains: 0, entries: 0, erased: 0, unchained: 0, broken: 0 }
        for (const [page, places] of pages.entries()) {
          for (let seq = 1; seq <= places; seq += 1) found(place(seq))
          if (page === dies) throw new Error('planted')
          counts.chains += 1
          counts.entries += 10
          await reached(UP_TO, 10, counts)
        }
        return counts
      },
    })({
      ...{ progress: kept, stop: never },
      async keep(progress) {
        kept = progress
      },
    })
  return { fields, said, paced, run, figures: () => chainFigures(fields, NOW + 5_000) }
}

test('a pass that finds nothing says so, and how much it has looked at', async () => {
  const { run, said, paced, figures } = stage()
  assert.equal(figures().sincePassMs, null)
  await run([0, 0])
  assert.deepEqual(paced, [10, 10])
  assert.deepEqual(said, [['info', { chains: 2, entries: 20, broken: {}, ms: 0, endedAt: NOW }]])
  const { chains, broken, sincePassMs } = figures()
  assert.deepEqual([chains, sincePassMs], [2, 5_000])
  assert.ok(Object.values(broken).every((places) => places === 0))
})

test('what is broken is told when its page is done, and stays told until a whole pass finds it no more', async () => {
  const { run, said, figures } = stage()
  await assert.rejects(run([2, 0, 1], 2), /planted/)
  assert.equal(figures().broken.missing, 2)
  assert.equal(figures().sincePassMs, null)
  const [[level, what] = []] = said
  assert.deepEqual([level, what], ['error', place(1)])

  // Goes on from where it was: what it had found counts, what was not kept is found again.
  await run([1])
  assert.deepEqual([figures().broken.missing, figures().chains], [3, 3])
})

test('a pass that begins takes nothing back of what the last one has found', async () => {
  const { run, figures } = stage()
  await run([2])
  await assert.rejects(stageAgain(run), /planted/)
  assert.equal(figures().broken.missing, 2)
})
const stageAgain = (run: (pages: number[], dies: number) => Promise<void>) => run([0], 0)

test('however much is broken, the log does not grow with it', async () => {
  const { run, said, figures } = stage()
  await run([90, 90, 90])
  assert.equal(said.filter(([level]) => level === 'error').length, 101)
  assert.equal(figures().broken.missing, 270)
})
