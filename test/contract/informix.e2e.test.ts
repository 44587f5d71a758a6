import { describe } from 'node:test'
import { connectionString } from '../../src/adapters/informix/connection-string.ts'
import { openInformix } from '../../src/adapters/informix/database.ts'
import { readConfig } from '../../src/config.ts'
import { everyContract } from './all.ts'
import { plainClient } from './drda.ts'
import { lastFirst, type OpenRig } from './rig.ts'

const url = process.env.INFORMIX_TEST_URL

/** In an order in which no row has a child. */
const EMPTIED = [
  ...['user_preferences', 'user_limits', 'user_roles', 'user_branches', 'users', 'role_permissions', 'roles'],
  ...['entity_changes', 'change_claims', 'parked_changes', 'user_audit', 'command_keys', 'entity_versions'],
  ...['pending_events', 'relay_leases', 'service_switches', 'audit_chain', 'audit_heads'],
]
const CATALOGUE = `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
  VALUES ('role', '*', ?, 1, '2020-01-01 00:00:00.000')`

/** A site's own test instance: a database that `schema apply` has made ready, and whose rows may all be deleted. */
const openInformixRig: OpenRig = async (t, { lockWaitMs } = {}) => {
  const owner = lastFirst(t)
  const { database: config } = readConfig({ ...process.env, DATABASE_URL: url })
  if (config === null) throw new Error('INFORMIX_TEST_URL names no database')
  const opened = () => {
    const string = connectionString({ ...config, connectTimeoutSeconds: 5 })
    const waits = lockWaitMs === undefined ? {} : { lockWaitMs }
    const database = openInformix({ ...config, connectionString: string, ...waits })
    owner.after(database.close)
    return database
  }
  const [database, other] = [opened(), opened()]
  for (const table of EMPTIED) await database.execute(`DELETE FROM ${table}`)
  await database.execute('DELETE FROM entity_versions')
  await database.execute('DELETE FROM entity_changes')
  for (const source of ['roles', 'role_permissions']) await database.execute(CATALOGUE, [source])
  const otherProgram = (transaction: string[], rounds: number) => plainClient(owner, opened(), transaction, rounds)
  return { ...owner, database, other, scan: database.scan, otherProgram, patienceMs: 60_000 }
}

describe('over Informix', { skip: url ? false : 'INFORMIX_TEST_URL names none' }, () => everyContract(openInformixRig))
