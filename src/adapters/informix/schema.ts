import { randomBytes } from 'node:crypto'
import type { Database } from '../../ports.ts'
import { isSqlError } from '../sql/errors.ts'
import type { Mapping } from '../sql/mapping.ts'
import { readCatalog } from './catalog.ts'
import { type Part, partsOf, USERS_COUNTED } from './ddl.ts'

const EPOCH_BYTES = 4

/**
 * Makes what is not there of what this service owns, in order, each statement by itself: what is broken off goes on where
 * it was. Answers what it made. Tables of others are never altered; an index and triggers stand on them.
 */
export async function applySchema(database: Database, name: string, mapping: Mapping): Promise<string[]> {
  const { tables, indexes, routines, triggers } = await readCatalog(database, name)
  const there = { table: tables, index: indexes, routine: routines, trigger: triggers }
  const made: string[] = []
  for (const part of partsOf(mapping)) {
    if (part.kind === 'rows') await addRows(database, part)
    else if (!there[part.kind].has(part.name)) {
      await database.execute(part.sql)
      made.push(`${part.kind} ${part.name}`)
    }
  }
  const [epoch] = await database.query('SELECT epoch FROM service_epoch')
  if (!epoch) {
    await database.execute('INSERT INTO service_epoch (epoch) VALUES (?)', [randomBytes(EPOCH_BYTES).toString('hex')])
    made.push('an epoch')
  }
  return made
}

/** What is there already stays as it is. */
async function addRows(database: Database, { name, sql }: Part): Promise<void> {
  if (name === USERS_COUNTED) {
    const counted = `SELECT entity FROM entity_versions WHERE entity = 'user' ${database.dialect.limit(1)}`
    if ((await database.query(counted)).length > 0) return
  }
  await database.execute(sql).catch((error) => {
    if (!isSqlError(error, 'duplicate')) throw error
  })
}
