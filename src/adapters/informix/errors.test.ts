import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectionString } from './connection-string.ts'
import { isTooBusy, kindOf, sqlErrorFrom, wasDeadlock } from './errors.ts'
import { STATES } from './protocol.ts'

const failure = (code: number, state = '', text = '') => ({ code, state, text })

describe('errors of the driver', () => {
  const ROWS: [kind: string, ...codes: number[]][] = [
    ['duplicate', -239, -268],
    ['missing-parent', -691, -692],
    ['not-null', -391],
    ['too-long', -1226, -1279],
    ['not-storable', -23103],
    ['busy', -233, -243, -244, -245, -246, -263, -271],
    ['unavailable', -908, -930, -27001, -30081, -30108],
    ['other', -201, -206, -217, -346, 0],
  ]
  for (const [kind, ...codes] of ROWS) {
    test(`${kind}: ${codes.join(', ')}`, () => {
      for (const code of codes) assert.equal(kindOf(failure(code)), kind)
    })
  }
  const BY_STATE: [kind: string, ...states: string[]][] = [
    ['duplicate', '23505'],
    ['missing-parent', '23503'],
    ['not-null', '23502'],
    ['too-long', '22001'],
    ['busy', '40001', '40XL1'],
    [
      'unavailable',
      '08001',
      '08003',
      '40003',
      '58009',
      ...[STATES.noAnswerInTime, STATES.processEnded, STATES.noDriver],
    ],
    ['other', '42X05', '', STATES.unreadable, STATES.tooManyRows],
  ]
  for (const [kind, ...states] of BY_STATE) {
    test(`${kind}: ${states.join(', ')}`, () => {
      for (const state of states) assert.equal(kindOf(failure(-1, state)), kind)
    })
  }

  test('where a row could not be written, the ISAM error says why', () => {
    const text = (isam: string) => `Could not update a row in the table. ${isam}`
    assert.equal(kindOf(failure(-346, '', text('-100: ISAM error: duplicate value'))), 'duplicate')
    assert.equal(kindOf(failure(-346, '', text('-107: ISAM error: record is locked'))), 'busy')
    assert.equal(kindOf(failure(-271, '', text('-131: ISAM error: no free disk space'))), 'other')
    assert.equal(kindOf(failure(-271, '', text('-154: ISAM error: Lock Timeout Expired'))), 'busy')
  })

  test('a driver that is not there is said in words', () => {
    assert.match(
      sqlErrorFrom(failure(0, STATES.noDriver, 'Cannot find module')).message,
      /^IBM’s driver cannot be loaded/,
    )
  })

  test('a connection that the driver has given up says so in its text alone', () => {
    assert.equal(kindOf(failure(0, '', '[IBM][CLI Driver] CLI0106E  Connection is closed.')), 'unavailable')
  })

  test('a deadlock is told from a wait that was too long: only its victim is undone', () => {
    const dead = sqlErrorFrom(
      failure(-243, '', 'Could not position within a table. -143: ISAM error: deadlock detected.'),
    )
    const late = sqlErrorFrom(
      failure(-244, '', 'Could not do a physical-order read. -154: ISAM error: Lock Timeout Expired'),
    )
    assert.deepEqual([wasDeadlock(dead), wasDeadlock(late)], [true, false])
    assert.ok(wasDeadlock(sqlErrorFrom(failure(-1, '40001'))))
  })

  test('the database’s own words, which name values, are not repeated', () => {
    const error = sqlErrorFrom(failure(-268, '23000', 'Unique constraint violated by Ann Secret'))
    assert.ok(!JSON.stringify([error.message, error.cause]).includes('Secret'))
  })
})

test('a server that is too busy may be asked again; another refusal is final', () => {
  for (const code of [-908, -930, -27001]) assert.equal(isTooBusy(sqlErrorFrom(failure(code))), true, `${code}`)
  for (const error of [sqlErrorFrom(failure(-951)), new Error('none of the database'), null])
    assert.equal(isTooBusy(error), false)
})

describe('the connection string', () => {
  const PARTS = {
    host: 'db',
    port: 9089,
    database: 'people',
    user: 'trs',
    password: 'p=w',
    connectTimeoutSeconds: 5,
    tls: null,
  }
  test('says where, who and how', () => {
    assert.equal(
      connectionString(PARTS),
      'DATABASE=people;HOSTNAME=db;PORT=9089;PROTOCOL=TCPIP;UID=trs;PWD=p=w;Authentication=SERVER;ConnectTimeout=5;',
    )
    assert.match(
      connectionString({ ...PARTS, tls: { certificate: '/c.pem' } }),
      /Security=SSL;SSLServerCertificate=\/c.pem;$/,
    )
    assert.match(connectionString({ ...PARTS, tls: { certificate: null } }), /Security=SSL;$/)
  })
  test('a value that would end its keyword is refused, and not repeated', () => {
    for (const password of ['a;UID=root', 'a{b', 'a\nb']) {
      assert.throws(() => connectionString({ ...PARTS, password }), {
        message: 'PWD holds a character that it must not hold',
      })
    }
  })
})
