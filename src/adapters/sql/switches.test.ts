import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusal } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { Database, Session } from '../../ports.ts'
import { SqlError } from './errors.ts'
import { sqlSwitches } from './switches.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }

test('a switch that others set and unset in each moment between is given up, busy', async () => {
  const said: string[] = []
  const session: Pick<Session, 'execute'> = {
    async execute(sql) {
      const [word = ''] = sql.split(' ')
      said.push(word)
      if (word === 'INSERT') throw new SqlError('duplicate', 'there is one', undefined)
      return 0
    },
  }
  const database = {
    dialect: { utcNow: 'now' },
    transaction: (work: (given: Session) => Promise<unknown>) => work(session as Session),
  } as unknown as Database
  const setting = sqlSwitches(database).update('breaker:people-service', BY, () => ({
    setting: 'a',
    entity: { name: 'breaker', id: 'people-service' },
    event: { type: 'breaker-released', neighbour: 'people-service', at: '2024-06-01T09:00:00.000Z' },
  }))
  await assert.rejects(setting, refusal('busy'))
  assert.deepEqual(said, ['UPDATE', 'INSERT', 'UPDATE', 'INSERT', 'UPDATE', 'INSERT'])
})
