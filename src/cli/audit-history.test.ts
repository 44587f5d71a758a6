import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import type { BrokenPlace, ChainEnd, ErasedHistory, VerifyWhat } from '../ports/audit-trail.ts'
import { compareEnds, eraseUser, tellEnds, verifyChains } from './audit-actions.ts'
import { eraseCommand, verifyCommand } from './audit-history.ts'

const stop = new AbortController().signal
const HASH = 'a'.repeat(64)
const AT = '2024-06-01 09:00:00.000'
const ENDS: ChainEnd[] = [
  { entity: 'role', entityId: 'cashier', seq: 1, hash: HASH, keptSeq: 0, at: AT },
  { entity: 'user', entityId: '7', seq: 12, hash: HASH, keptSeq: 3, at: AT },
  { entity: 'user', entityId: '8', seq: 2, hash: HASH, keptSeq: 2, at: null },
]
const LINES = ENDS.map(({ entity, entityId, seq, hash, keptSeq, at }) =>
  [entity, entityId, seq, hash, keptSeq, at ?? '-'].join('\t'),
)
const OUTSIDE = { count: 3, hash: 'b'.repeat(64) }
const OUTSIDE_LINE = `outside-of-chains\t3\t${OUTSIDE.hash}`

async function* each<Value>(values: Value[]): AsyncGenerator<Value> {
  yield* values
}
function listening() {
  const said: string[] = []
  return { said, tell: (line: string) => void said.push(line) }
}

describe('audit verify', () => {
  const comparing = (compare: (end: ChainEnd) => Promise<BrokenPlace | null>) => ({
    comparing: async () => compare,
    unchained: async () => OUTSIDE,
    hasRetention: false,
  })
  const verifying = (counts: Partial<Record<string, number>>, places: BrokenPlace[] = []) => ({
    async verify(_: VerifyWhat, found: (place: BrokenPlace) => void) {
      for (const place of places) found(place)
      return { chains: 0, entries: 0, erased: 0, unchained: 0, broken: places.length, ...counts }
    },
  })
  const all = { of: null, unchainedBefore: null, mayBeRemoved: false, stop }

  test('what is whole is said with how much it is', async () => {
    const { said, tell } = listening()
    assert.equal(await verifyChains(verifying({ chains: 1, entries: 12_000, erased: 1 }), all, tell), 0)
    assert.deepEqual(said, ['1 chain of 12,000 entries, 1 entry erased', 'nothing is broken'])
  })

  test('each broken place has its line; what is not chained is named by its row', async () => {
    const { said, tell } = listening()
    const places: BrokenPlace[] = [
      { entity: 'user', entityId: '7', seq: 3, auditId: null, what: 'missing' },
      { entity: 'user', entityId: '8', seq: null, auditId: 99, what: 'not-chained' },
    ]
    assert.equal(await verifyChains(verifying({ unchained: 2 }, places), all, tell), 2)
    assert.deepEqual(said, [
      'user 7 seq 3 missing: entries from here on are missing',
      'user 8 audit_id 99 not-chained: written since entries are chained, and it has no place in a chain',
      '0 chains of 0 entries, 0 entries erased',
      '2 entries from before entries were chained: nothing is known of them',
      '2 places broken',
    ])
  })

  test('ends are told one a line and nothing else, of all or of some', async () => {
    for (const [of, lines] of [
      [null, [...LINES, OUTSIDE_LINE]],
      [{ entity: 'user' }, LINES.slice(1)],
      [{ entity: 'user', id: '8' }, LINES.slice(2)],
      [{ entity: 'user', id: '80' }, []],
    ] as const) {
      const { said, tell } = listening()
      await tellEnds({ ends: () => each(ENDS), unchained: async () => OUTSIDE }, of, stop, tell)
      assert.deepEqual(said, lines)
    }
  })

  test('ends that were kept are compared one by one', async () => {
    const asked: ChainEnd[] = []
    const audit = comparing(async (end) => {
      asked.push(end)
      return end.entityId === '7' ? { ...end, auditId: null, what: 'rewritten' } : null
    })
    const of = { of: null, stop, hadRetention: false }
    const { said, tell } = listening()
    assert.equal(await compareEnds(audit, () => each([...LINES, '', OUTSIDE_LINE]), of, tell), 1)
    assert.deepEqual(asked, ENDS)
    assert.deepEqual(said, [
      'user 7 seq 12 rewritten: it was the newest once, and was another',
      '3 chains compared, 1 of them not what it was',
    ])
    asked.length = 0
    const one = { ...of, of: { entity: 'user', id: '8' } }
    assert.equal(await compareEnds(audit, () => each([...LINES, OUTSIDE_LINE]), one, tell), 0)
    assert.deepEqual(asked, ENDS.slice(2))
  })

  test('of entries outside of chains none is added, and none removed but for its age', async () => {
    const more = { count: 4, hash: OUTSIDE.hash }
    const fewer = { count: 2, hash: OUTSIDE.hash }
    const other = { count: 3, hash: HASH }
    for (const [now, hasRetention, hadRetention, broken] of [
      ...[[OUTSIDE, false, false, 0] as const, [OUTSIDE, true, false, 0] as const],
      ...[[more, false, false, 1] as const, [more, true, true, 1] as const],
      ...[[other, false, false, 1] as const, [other, true, true, 1] as const],
      ...[[fewer, false, false, 1] as const, [fewer, true, false, 0] as const, [fewer, false, true, 0] as const],
    ]) {
      const audit = { ...comparing(async () => null), hasRetention, unchained: async () => now }
      const { said, tell } = listening()
      const wanted = { of: null, stop, hadRetention }
      assert.equal(await compareEnds(audit, () => each([OUTSIDE_LINE]), wanted, tell), broken)
      const line = `${now.count} entries outside of chains, and not the 3 that there were`
      assert.deepEqual(said.slice(1), broken === 0 ? [] : [line])
    }
  })

  for (const wrong of [
    ...[`outside-of-chains\tx\t${HASH}`, `outside-of-chains\t3\t${HASH}\t`, `user\t7\t12\t${HASH}\t0`],
    ...[`user\t7\t12\t${HASH}\t0\tnoon`, `user\t7\t12\t${HASH}\t-1\t-`],
    ...[
      `user 7 12 ${HASH}`,
      `user\t7\t12\t${HASH}0\t0\t-`,
      `user\t7\t0\t${HASH}\t0\t-`,
      `user\t\t1\t${HASH}\t0\t-`,
      'x',
    ],
    ...[
      `user\t7\t12\t${HASH.toUpperCase()}\t0\t-`,
      `user\t7\t12\t${HASH}\t`,
      `user\t7\t99999999999999999\t${HASH}\t0\t-`,
    ],
  ]) {
    test(`a line that is none stops it: ${JSON.stringify(wrong).slice(0, 40)}`, async () => {
      const lines = () => each([LINES[0] ?? '', wrong])
      await assert.rejects(
        compareEnds(
          comparing(async () => null),
          lines,
          { of: null, stop, hadRetention: false },
          () => undefined,
        ),
        {
          expected: true,
          message: 'Line 2 is not one that `audit verify --heads` has told.',
        },
      )
    })
  }
})

describe('audit erase', () => {
  const by = { name: 'dpo', client: null, requestId: '', address: 'office' }
  const erasing = { userId: 7, reason: 'request 17', at: '2024-06-01T09:00:00.000Z', by }
  const answering = (answer: ErasedHistory) => ({
    async erase(given: object) {
      assert.deepEqual(given, erasing)
      return answer
    },
  })

  test('what was done is said, and what was not', async () => {
    assert.match(
      await eraseUser(answering({ outcome: 'erased', entries: 3, upTo: 4 }), erasing),
      /^Erased what 3 entries said, up to seq 4\. Not reached: events .* backups/,
    )
    assert.equal(await eraseUser(answering({ outcome: 'nothing' }), erasing), 'Nothing is left to erase.')
    await assert.rejects(eraseUser(answering({ outcome: 'pending', entries: 1 }), erasing), {
      expected: true,
      message: /^Nothing is erased: 1 entry of this user still to be published\./,
    })
  })
})

describe('the words of both', () => {
  const WRONG: [make: () => Command, args: string[], said: RegExp][] = [
    [verifyCommand, ['--user', 'x'], /whole number/],
    [verifyCommand, ['--user', '0'], /whole number/],
    [verifyCommand, ['--user', '1', '--entity', 'role'], /cannot be used with/],
    [verifyCommand, ['--heads', '--against', 'file'], /cannot be used with/],
    [verifyCommand, ['--unchained-before', 'noon'], /It is a time/],
    [verifyCommand, ['all'], /too many arguments/],
    [eraseCommand, ['--user', '1'], /--reason/],
    [eraseCommand, ['--reason', 'request 17'], /--user/],
    [eraseCommand, ['--user', '1', '--reason', 'a\nb'], /one line/],
    [eraseCommand, ['--user', '1', '--reason', ' '], /one line/],
    [eraseCommand, ['--user', '1', '--reason', 'x'.repeat(256)], /one line/],
    [eraseCommand, ['--user', '1', '--reason', 'x', '--by', 'Zoë'], /letters, digits and punctuation/],
  ]
  for (const [make, args, said] of WRONG) {
    test(`${make().name()} ${JSON.stringify(args).slice(0, 60)} is refused`, async () => {
      const command = make()
        .exitOverride()
        .configureOutput({ writeErr: () => undefined })
      await assert.rejects(command.parseAsync(args, { from: 'user' }), said)
    })
  }
})
