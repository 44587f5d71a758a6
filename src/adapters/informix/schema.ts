import { randomBytes } from 'node:crypto'
import type { Database } from '../../ports.ts'
import type { Mapping } from '../sql/mapping.ts'
import { readCatalog } from './catalog.ts'
import { type Part, partsOf } from './ddl.ts'

const EPOCH_BYTES = 4

/**
 * Makes what is not there of what this service owns, in order, each statement by itself: what is broken off goes on where
 * it was. Answers what it made. Tables of others are never altered; an index and triggers stand on them.
 */
export async function applySchema(database: Database, name: string, mapping: Mapping): Promise<string[]> {
  const { tables, indexes, routines, triggers } = await readCatalog(database, name)
  const isThere = (part: Part): boolean =>
    ({ table: tables, index: indexes, routine: routines, trigger: triggers, rows: new Set<string>() })[part.kind].has(
      part.name,
    )
  const made: string[] = []
  for (const part of partsOf(mapping)) {
    if (
      isThere(part) ||
      (part.kind === 'rows' && part.sql.startsWith('INSERT INTO usr_sources') && tables.has('usr_sources'))
    )
      continue
    await database.execute(part.sql)
    if (part.kind !== 'rows') made.push(`${part.kind} ${part.name}`)
  }
  const [epoch] = await database.query('SELECT epoch FROM service_epoch')
  if (!epoch) {
    await database.execute('INSERT INTO service_epoch (epoch) VALUES (?)', [randomBytes(EPOCH_BYTES).toString('hex')])
    made.push('an epoch')
  }
  return made
}
