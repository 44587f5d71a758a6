import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { CATALOG_SQL } from '../../src/adapters/informix/catalog.ts'
import { commitMarkers } from '../../src/adapters/informix/commit-markers.ts'
import { type Connection, deadlineIn } from '../../src/adapters/informix/connection.ts'
import { partsOf } from '../../src/adapters/informix/ddl.ts'
import { informix } from '../../src/adapters/informix/dialect.ts'
import type { Pool } from '../../src/adapters/informix/pool.ts'
import { SqlError } from '../../src/adapters/sql/errors.ts'
import { sqlIncarnations } from '../../src/adapters/sql/incarnations.ts'
import { mapStatement } from '../../src/adapters/sql/map-statement.ts'
import { mappingFrom, SAME_NAMES } from '../../src/adapters/sql/mapping.ts'
import { everyContract } from '../contract/all.ts'
import { openSqliteRig } from '../contract/sqlite.ts'
import { lint, RULES } from './lint.ts'
import { parseAll, parsersMissing } from './parsers.ts'
import { type Record, recordingRig } from './recording.ts'

const record: Record = { statements: new Set(), places: new Set() }
const rig = recordingRig(openSqliteRig, record)

// Everything that the service does to a database, done as if it were Informix.
everyContract(rig)

describe('incarnations', () => {
  test('are recorded, replaced, and refused when another was first', async (t) => {
    const { database } = await rig(t)
    const { recorded, replace } = sqlIncarnations(database)
    assert.equal(await replace('s1', 0, null, 'a'), true)
    assert.equal(await replace('s1', 0, null, 'b'), false)
    assert.equal(await replace('s1', 0, 'a', 'b'), true)
    assert.deepEqual(await recorded('s1'), new Map([[0, 'b']]))
  })
})

const skip = parsersMissing() ?? false
// When all that is done above has been done, in whatever order.
after(async () => {
  everyLineIsHeard()
  if (!skip) await eachIsTaken()
})

/** Every line that says one to a database has been heard. */
function everyLineIsHeard(): void {
  const folder = new URL('../../src/adapters/sql/', import.meta.url)
  const files = readdirSync(folder).filter((name) => /^(?!mapped-|traced-).*(?<!\.test)\.ts$/.test(name))
  const said = files.flatMap((name) =>
    readFileSync(new URL(name, folder), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        /\.(?:query|execute)(?:<.*>)?\(|\.(?:query|execute)<.*$/.test(line)
          ? [`src/adapters/sql/${name}:${index + 1}`]
          : [],
      ),
  )
  assert.ok(said.length > 40)
  assert.deepEqual(
    said.filter((place) => !record.places.has(place)),
    [],
  )
}

const ownStatements = async (): Promise<string[]> => {
  const said: string[] = []
  const connection = {
    query: async (sql: string) => {
      said.push(sql)
      return [{ answer: 'wrote' }]
    },
    execute: async (sql: string) => {
      said.push(sql)
      if (said.length > 1) throw new SqlError('duplicate', '', undefined)
      return 1
    },
    begin: async () => undefined,
    rollback: async () => undefined,
    isWhole: () => true,
  } as unknown as Connection
  const markers = commitMarkers({ use: (_, work) => work(connection) } as Pool, informix.dialect)
  await markers.insert(connection, markers.next(), deadlineIn(1))
  assert.equal(await markers.resolve('tx:1'), 'committed')
  markers.stop()
  // Of another database of the server: Informix's `database:table`, which Druid does not know.
  const catalog = Object.values(CATALOG_SQL).map((sql) => sql.replace('sysmaster:', ''))
  return [...said, informix.checkSql, ...catalog]
}

/** Each is one that Informix’s parsers take, and breaks no rule. */
async function eachIsTaken(): Promise<void> {
  const all = [...record.statements, ...(await ownStatements())]
  assert.ok(all.length > 60, `${all.length} statements`)
  const names = mappingFrom({
    users: { table: 'trs.t_user', columns: { user_id: 'usr_no', username: 'login' } },
    user_roles: { columns: { role: 'role_code' } },
  })
  const mapped = all.map((sql) => mapStatement(sql, names))
  for (const [sql, refusal] of parseAll([...new Set([...all, ...mapped])])) {
    assert.equal(refusal, null, sql)
    assert.deepEqual(lint(sql), [], sql)
  }
}

describe('the DDL for Informix', () => {
  test('its tables, indexes and rows are taken by the parsers, as far as they know it', { skip }, () => {
    const known = partsOf(SAME_NAMES).filter(
      ({ kind, sql }) => ['table', 'index', 'rows'].includes(kind) && !sql.startsWith('UPDATE STATISTICS'),
    )
    // LOCK MODE is Informix's own: a site would find out by itself, and the script says it for each table.
    for (const [sql, refusal] of parseAll(
      known.map(({ sql }) => sql.replace(/ LOCK MODE ROW$/, '').replace('BIGSERIAL', 'BIGINT')),
    )) {
      assert.equal(refusal, null, sql)
    }
  })

  test('both parsers can refuse', { skip }, () => {
    const [refusal] = parseAll(['SELEC user_id FROM users']).values()
    assert.match(refusal ?? '', /JSqlParser: .*SELEC.* \/ Druid: .*SELEC/)
  })
})

describe('rules for Informix', () => {
  for (const { name, planted } of RULES) {
    test(`${name}: ${planted}`, () => assert.deepEqual(lint(planted), [name]))
  }
  test('what stands in quotes is data', () =>
    assert.deepEqual(lint(`SELECT role FROM roles WHERE title = 'a "b"; --'`), []))
})
