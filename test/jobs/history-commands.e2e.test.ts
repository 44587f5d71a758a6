import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { apiClient } from '../api/client.ts'
import { lastFirst } from '../contract/rig.ts'
import { startService, type TestService, until } from '../support/service.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const LIMIT_MS = 180_000

async function stage(context: TestContext, environment: Record<string, string> = {}) {
  const t = lastFirst(context)
  const service = await startService({ worker: false, environment })
  t.after(service.close)
  const folder = await mkdtemp(join(tmpdir(), 'users-service-audit-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const api = await apiClient(service.app)
  const run = (...args: string[]) => runAudit(service, args)
  return { service, api, folder, run }
}

async function runAudit({ environment }: TestService, args: string[]) {
  const child = spawn(process.execPath, ['src/main.ts', 'audit', ...args], {
    ...{ cwd: ROOT, env: { PATH: process.env.PATH ?? '', ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  const said = { out: '', err: '' }
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...said }
}

test('the audit is verified from the command line, also against ends that were kept', {
  timeout: LIMIT_MS,
}, async (t) => {
  const { service, api, folder, run } = await stage(t)
  const [userId, otherId] = [await api.somebody(), await api.somebody()]
  for (const id of [userId, otherId]) await api.post(`/v1/users/${id}/suspend`)
  await api.role('cashier')
  const whole = await run('verify')
  assert.deepEqual(whole, {
    ...{ code: 0, out: '3 chains of 5 entries, 0 entries erased\nnothing is broken\n', err: '' },
  })
  const heads = await run('verify', '--heads')
  const lines = heads.out.trimEnd().split('\n')
  assert.equal(lines.length, 4)
  const line = /^(role\tcashier\t1|user\t\d+\t2)\t[0-9a-f]{64}\t0\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/
  for (const one of lines.slice(0, 3)) assert.match(one, line)
  assert.match(lines[3] ?? '', /^outside-of-chains\t0\t[0-9a-f]{64}$/)
  const file = join(folder, 'heads')
  await writeFile(file, heads.out)
  const same = await run('verify', '--against', file)
  assert.deepEqual([same.code, same.out], [0, `3 chains compared, none of them not what it was\n${whole.out}`])

  await service.sql(
    `UPDATE user_audit SET actor = 'mallory' WHERE entity_id = ? AND event_type = 'user-suspended'`,
    String(userId),
  )
  const broken = await run('verify')
  const place = `user ${userId} seq 2 hash-differs: it, or the one before, is not what was written`
  assert.deepEqual([broken.code, broken.out.split('\n')[0]], [1, place])
  assert.match(broken.out, /\n1 place broken\n$/)
  const other = await run('verify', '--user', String(otherId))
  assert.deepEqual([other.code, other.out], [0, '1 chain of 2 entries, 0 entries erased\nnothing is broken\n'])
  assert.equal((await run('verify', '--entity', 'user', '--id', String(userId))).code, 1)

  for (const table of ['user_audit', 'audit_chain', 'audit_heads'])
    await service.sql(`DELETE FROM ${table} WHERE entity_id = ?`, String(userId))
  const shortened = await run('verify', '--against', file)
  assert.deepEqual(
    [shortened.code, shortened.out.split('\n').slice(0, 2)],
    [
      1,
      [
        `user ${userId} seq 2 shortened: it was the newest once, and is missing`,
        '3 chains compared, 1 of them not what it was',
      ],
    ],
  )
})

test('what cannot be done is said in a sentence', { timeout: LIMIT_MS }, async (t) => {
  const { service, folder, run } = await stage(t)
  const file = join(folder, 'heads')
  await writeFile(file, 'user 1 2 three\n')
  for (const [args, said] of [
    [['verify', '--against', file], /^Line 1 is not one that `audit verify --heads` has told\.\n$/],
    [['verify', '--against', join(folder, 'none')], /^.*none cannot be read: ENOENT\.\n$/],
  ] as const) {
    const { code, out, err } = await run(...args)
    assert.deepEqual([code, out], [1, ''], args.join(' '))
    assert.match(err, said)
  }
  if (process.env.TEST_DATABASE === 'drda') return
  const elsewhere = await runAudit({ ...service, environment: { DATA_DIR: folder } }, ['verify'])
  assert.deepEqual([elsewhere.code, elsewhere.out], [1, ''])
  assert.match(elsewhere.err, /^There is no database at .*users\.db; DATA_DIR says where it is\.\n$/)
})

test('what the audit says of somebody is erased from the command line, and the chain stays whole', {
  timeout: LIMIT_MS,
}, async (t) => {
  const { service, api, run } = await stage(t)
  const userId = await api.somebody({ familyName: 'Rumpelstilzchen', email: 'r@example.com' })
  await api.patch(`/v1/users/${userId}`, { familyName: 'Poe', email: null })
  await service.sql(
    'INSERT INTO pending_events (audit_id) SELECT audit_id FROM user_audit WHERE entity_id = ?',
    String(userId),
  )
  const erase = ['erase', '--user', String(userId), '--reason', 'request 17'] as const
  const waiting = await run(...erase)
  assert.deepEqual([waiting.code, waiting.out], [1, ''])
  assert.match(waiting.err, /^Nothing is erased: 2 entries of this user still to be published\./)
  await service.sql('DELETE FROM pending_events')
  const erased = await run(...erase, '--by', 'data protection officer')
  assert.deepEqual([erased.code, erased.err], [0, ''])
  assert.match(erased.out, /^Erased what 2 entries said, up to seq 2\./)
  const rows = JSON.stringify([
    await service.query('SELECT * FROM user_audit'),
    await service.query('SELECT * FROM audit_chain'),
  ])
  assert.doesNotMatch(rows, /Rumpel|r@example/)
  const [entry] = (await api.get(`/v1/users/${userId}/history`)).json().items
  assert.deepEqual([entry.type, entry.by], ['history-erased', { subject: 'data protection officer', client: null }])
  assert.match((await run('verify')).out, /^1 chain of 3 entries, 2 entries erased\nnothing is broken\n$/)
  assert.equal((await run(...erase)).out, 'Nothing is left to erase.\n')
})

test('a jobs worker removes what is older than AUDIT_RETENTION_DAYS, and keys that have expired', {
  timeout: LIMIT_MS,
}, async (t) => {
  const { service, api } = await stage(t, { AUDIT_RETENTION_DAYS: '30' })
  const userId = await api.somebody()
  await service.sql(
    `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
     VALUES ('user', '4711', 'user-suspended', '{}', 'older', 'r', '::1', '2020-01-01 00:00:00.000')`,
  )
  await service.sql(
    `INSERT INTO command_keys (command_key, request_hash, answer, created_at)
     VALUES ('older', 'h', '{}', '2020-01-01 00:00:00.000')`,
  )
  const count = async (table: string, where: string) =>
    Number((await service.query(`SELECT COUNT(*) AS n FROM ${table} WHERE ${where}`))[0]?.n)
  await service.startWorker(['jobs'])
  await until('both are gone', async () => {
    const left = await Promise.all([
      count('user_audit', `actor = 'older'`),
      count('command_keys', `command_key = 'older'`),
    ])
    return left.every((n) => n === 0)
  })
  assert.equal(await count('user_audit', `entity_id = '${userId}'`), 1)
})
