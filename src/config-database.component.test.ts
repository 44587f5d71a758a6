import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'
import type { DatabaseConfig } from './config-database.ts'

const read = (environment: Record<string, string>) => {
  const { database } = readConfig(environment)
  if (database === null) throw new Error('no database is named')
  return database
}

describe('the database’s settings', () => {
  test('without DATABASE_URL it is the embedded one', () => {
    assert.equal(readConfig({ DATABASE_READ_CONNECTIONS: '3' }).database, null)
  })

  test('a URL is all that is needed', () => {
    const { server, host, port, database, user, password, tls } = read({
      DATABASE_URL: 'ibmdb://trs@db.example/people',
    })
    assert.deepEqual(
      { server, host, port, database, user, password, tls },
      {
        server: 'informix',
        host: 'db.example',
        port: 9089,
        database: 'people',
        user: 'trs',
        password: '',
        tls: null,
      },
    )
  })

  test('TLS, another port, and characters that a URL must not hold as they are', () => {
    const { port, user, tls } = read({ DATABASE_URL: 'ibmdb://t%40s@db.example:9090/people?certificate=/etc/db.pem' })
    assert.deepEqual([port, user, tls], [9090, 't@s', { certificate: '/etc/db.pem' }])
    assert.deepEqual(read({ DATABASE_URL: 'ibmdb://trs@db.example/people?tls=on' }).tls, { certificate: null })
  })

  test('the password comes out of a file, without the end of its line', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'users-service-config-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'password')
    await writeFile(file, 's3cret \n')
    assert.equal(read({ DATABASE_URL: 'ibmdb://trs@db/people', DATABASE_PASSWORD_FILE: file }).password, 's3cret ')
  })

  const URL_ALONE = { DATABASE_URL: 'ibmdb://trs@db/people' }
  const OWN: [name: string, value: string, change: Partial<DatabaseConfig>][] = [
    ['DATABASE_READ_CONNECTIONS', '3', { read: { connections: 3, processes: 2, timeoutMs: 2_000 } }],
    ['DATABASE_READ_PROCESSES', '3', { read: { connections: 8, processes: 3, timeoutMs: 2_000 } }],
    ['DATABASE_READ_TIMEOUT_MS', '333', { read: { connections: 8, processes: 2, timeoutMs: 333 } }],
    ['DATABASE_WRITE_CONNECTIONS', '3', { write: { connections: 3, processes: 2, timeoutMs: 8_000 } }],
    ['DATABASE_WRITE_TIMEOUT_MS', '333', { write: { connections: 4, processes: 2, timeoutMs: 333 } }],
    ['DATABASE_SCAN_CONNECTIONS', '3', { scan: { connections: 3, processes: 1, timeoutMs: 60_000 } }],
    ['DATABASE_SCAN_TIMEOUT_MS', '3333', { scan: { connections: 2, processes: 1, timeoutMs: 3_333 } }],
    ['DATABASE_CONNECT_TIMEOUT_MS', '333', { connectTimeoutMs: 333 }],
    ['DATABASE_LOCK_WAIT_MS', '3333', { lockWaitMs: 3_333 }],
  ]
  for (const [name, value, change] of OWN) {
    test(`${name} sets its own setting, and no other`, () => {
      assert.deepEqual(read({ ...URL_ALONE, [name]: value }), { ...read(URL_ALONE), ...change })
    })
  }

  const WRONG = [
    { what: 'another kind of database', url: 'postgres://trs@db/people' },
    { what: 'no user', url: 'ibmdb://db/people' },
    { what: 'no database', url: 'ibmdb://trs@db' },
    { what: 'a name with a keyword in it', url: 'ibmdb://trs@db/people;PWD=x' },
    { what: 'an unknown server', url: 'ibmdb://trs@db/people?server=oracle' },
    { what: 'no URL', url: 'DATABASE=people;HOSTNAME=db' },
  ]
  for (const { what, url } of WRONG) {
    test(`refused, and not repeated: ${what}`, () => {
      assert.throws(
        () => readConfig({ DATABASE_URL: url }),
        (error: Error) => {
          assert.ok(error instanceof ConfigError)
          assert.match(error.message, /DATABASE_URL: ibmdb:/)
          assert.ok(!error.message.includes(url))
          return true
        },
      )
    })
  }

  test('a password file that is not there is named by its variable', () => {
    assert.throws(() => read({ DATABASE_URL: 'ibmdb://trs@db/people', DATABASE_PASSWORD_FILE: '/no/such' }), {
      message: /DATABASE_PASSWORD_FILE/,
    })
  })

  test('the driver sees where its libraries are, and no secrets', () => {
    const { environment } = read({
      DATABASE_URL: 'ibmdb://trs@db/people',
      LD_LIBRARY_PATH: '/opt/ibm/lib',
      IBM_DB_HOME: '/opt/ibm',
      DB2OPTIONS: '+c',
      REDIS_URL: 'redis://:secret@redis',
    })
    assert.deepEqual(environment, {
      DB2CODEPAGE: '1208',
      LD_LIBRARY_PATH: '/opt/ibm/lib',
      IBM_DB_HOME: '/opt/ibm',
      DB2OPTIONS: '+c',
    })
  })
})
