import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/contract/sqlite.ts'
import { databaseTime, whatToReplay } from './replay-options.ts'

const refused = (message: RegExp) => ({ expected: true, message })

test('times become the database’s', () => {
  for (const [said, is] of [
    ['2026-11-25T19:17:08.123Z', '2026-11-25 19:17:08.123'],
    ['2026-11-25t19:17:08z', '2026-11-25 19:17:08.000'],
    ['2026-11-25 19:17:08.1239Z', '2026-11-25 19:17:08.123'],
    ['2026-01-01T00:30:00+01:00', '2025-12-31 23:30:00.000'],
    ['2026-11-25T19:17:08-03:30', '2026-11-25 22:47:08.000'],
    ['2024-02-29T12:00:00Z', '2024-02-29 12:00:00.000'],
    ['2999-01-01T00:00:00Z', '2999-01-01 00:00:00.000'],
  ] as const)
    assert.equal(databaseTime(said), is)
})

test('what is no time is refused in one sentence', () => {
  for (const said of [
    ...['', 'yesterday', '2026-11-25', '2026-11-25T19:17Z', '2026-11-25T19:17:08', '20261125T191708Z', '1764098228'],
    ...['2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-00-10T00:00:00Z', '2026-04-31T00:00:00Z'],
    ...['2026-11-25T24:00:00Z', '2026-11-25T19:60:00Z', '2026-11-25T19:17:60Z', '2026-11-25T19:17:08+24:00'],
    ...['9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00'],
  ])
    assert.throws(() => databaseTime(said), refused(/is no time; write it as/), said)
})

test('exactly one way of naming them', async () => {
  for (const options of [{}, { ids: '1', fromMark: true as const }, { since: 'x', idsFile: 'y' }])
    await assert.rejects(whatToReplay(options), refused(/^Say one of /))
  await assert.rejects(whatToReplay({ ids: '1', until: 'x' }), refused(/^--until goes with --since\.$/))
  assert.equal(await whatToReplay({ fromMark: true }), 'from-mark')
})

test('since, and until, which may be the same and not before', async () => {
  const since = '2026-11-25T19:00:00Z'
  assert.deepEqual(await whatToReplay({ since }), { since: '2026-11-25 19:00:00.000', until: null })
  assert.deepEqual(await whatToReplay({ since, until: '2026-11-25T20:00:00+01:00' }), {
    since: '2026-11-25 19:00:00.000',
    until: '2026-11-25 19:00:00.000',
  })
  const before = whatToReplay({ since, until: '2026-11-25T18:59:59.999Z' })
  await assert.rejects(before, refused(/^--until must not be before --since\.$/))
})

test('ids from the command line, or a file; what is none is refused', async (t) => {
  assert.deepEqual(await whatToReplay({ ids: '3, 1,2,,3' }), { userIds: [3, 1, 2] })
  for (const ids of ['0', '-1', '1.5', '1;2', '1,x', '9007199254740992', '1e3'])
    await assert.rejects(whatToReplay({ ids }), refused(/is no user id\.$/), ids)
  await assert.rejects(whatToReplay({ ids: ' , ' }), refused(/^Name at least one user\.$/))
  const many = Array.from({ length: 10_001 }, (_, i) => i + 1)
  await assert.rejects(whatToReplay({ ids: many.join(',') }), refused(/^These are 10,001 users, and at most 10,000 /))
  const path = join(await temporaryFolder(t), 'ids')
  await assert.rejects(whatToReplay({ idsFile: path }), refused(/ids cannot be read \(ENOENT\)\.$/))
  await writeFile(path, '7\r\n\n 5\n7')
  assert.deepEqual(await whatToReplay({ idsFile: path }), { userIds: [7, 5] })
  await writeFile(path, many.slice(1).join('\n'))
  assert.deepEqual(await whatToReplay({ idsFile: path }), { userIds: many.slice(1) })
  await writeFile(path, '1\n'.repeat(600_000))
  await assert.rejects(whatToReplay({ idsFile: path }), refused(/ids is too long for a list of users\.$/))
})
