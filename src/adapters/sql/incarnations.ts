import type { Incarnations } from '../../ports/redis.ts'
import type { Database } from '../../ports.ts'
import { isSqlError } from './errors.ts'

/** Which Redis the read models of a schema were last begun on: kept where no failover of Redis can take it back. */
export function sqlIncarnations(database: Pick<Database, 'query' | 'execute'>): Incarnations {
  return {
    async recorded(schema) {
      const rows = await database.query<{ partition_no: number; incarnation: string }>(
        'SELECT partition_no, incarnation FROM read_model_incarnations WHERE schema_tag = ?',
        [schema],
      )
      return new Map(rows.map((row) => [Number(row.partition_no), row.incarnation]))
    },
    async replace(schema, partition, from, to) {
      if (from !== null) {
        return (
          (await database.execute(
            `UPDATE read_model_incarnations SET incarnation = ?
             WHERE schema_tag = ? AND partition_no = ? AND incarnation = ?`,
            [to, schema, partition, from],
          )) === 1
        )
      }
      try {
        await database.execute(
          'INSERT INTO read_model_incarnations (schema_tag, partition_no, incarnation) VALUES (?, ?, ?)',
          [schema, partition, to],
        )
        return true
      } catch (error) {
        if (isSqlError(error, 'duplicate')) return false
        throw error
      }
    },
  }
}
