import assert from 'node:assert/strict'
import { truncate } from 'node:fs/promises'
import { test } from 'node:test'
import { databasePath } from '../../src/wiring-database.ts'
import { apiClient } from '../api/client.ts'
import { startService } from '../support/service.ts'

test('a database that is lost under the service is 503 everywhere, health says so, and what Redis holds is served', async (t) => {
  const service = await startService({ environment: { NEAR_CACHE_BYTES: '0' } })
  t.after(() => service.close().catch(() => undefined))
  const api = await apiClient(service.app)
  const held = await api.somebody()
  assert.equal((await api.get(`/v1/users/${held}`)).headers['read-from'], 'redis')
  await service.app.inject('/health/ready').then((answer) => assert.equal(answer.json().checks.database.state, 'ok'))
  // Another program writes, so that nothing cached is current; then the files are emptied under everybody.
  await service.sql(
    `INSERT INTO users (user_id, username, given_name, family_name, created_at, updated_at)
     VALUES (77, 'lost', 'Ann', 'Lee', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
  )
  const path = databasePath(service.config)
  for (const file of [path, `${path}-wal`]) await truncate(file)
  const asked = [
    await api.get('/v1/users/78'),
    await api.get('/v1/users/by-username/nobody'),
    await api.get('/v1/users?role=cashier'),
    await api.patch(`/v1/users/${held}`, { jobTitle: 'Baker' }),
    await api.post('/v1/users', { username: 'somebody.new', givenName: 'Ann', familyName: 'Lee' }),
    await api.put('/v1/roles/baker', { title: 'Baker', privileged: false, permissions: [] }),
  ]
  for (const answer of asked) {
    assert.equal(answer.statusCode, 503, answer.body)
    assert.equal(answer.json().code, 'database-unavailable')
    assert.equal(answer.headers['retry-after'], '1')
  }
  const ready = await api.get('/health/ready')
  assert.equal(ready.json().checks.database.state, 'degraded')
  assert.equal(ready.statusCode, 200, 'what Redis holds is still served')
  assert.equal((await api.get(`/v1/users/${held}`)).headers['read-from'], 'redis')
})
