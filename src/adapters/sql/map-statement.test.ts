import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { mapStatement } from './map-statement.ts'
import { MappingError, mappingFrom, SAME_NAMES } from './mapping.ts'

const MAPPING = mappingFrom({
  users: { table: 'trs.t_user', columns: { user_id: 'usr_no', username: 'login', status: 'state' } },
  user_roles: { table: 'grants', columns: { user_id: 'holder', role: 'role_code' } },
  roles: { table: 'role_list', columns: { role: 'code' } },
})

describe('a statement under a site’s names', () => {
  const ROWS = [
    [
      'SELECT user_id, phone FROM users WHERE user_id = ?',
      'SELECT usr_no AS user_id, phone FROM trs.t_user WHERE usr_no = ?',
    ],
    ['SELECT COUNT(*) AS n FROM users', 'SELECT COUNT(*) AS n FROM trs.t_user'],
    ['SELECT MAX(user_id) AS id FROM users', 'SELECT MAX(usr_no) AS id FROM trs.t_user'],
    ['UPDATE users SET user_id = user_id WHERE user_id = ?', 'UPDATE trs.t_user SET usr_no = usr_no WHERE usr_no = ?'],
    ['INSERT INTO users (username, phone) VALUES (?, ?)', 'INSERT INTO trs.t_user (login, phone) VALUES (?, ?)'],
    ['DELETE FROM user_roles WHERE role = ?', 'DELETE FROM grants WHERE role_code = ?'],
    [
      'SELECT user_id FROM users WHERE user_id IN (SELECT user_id FROM user_roles WHERE role = ?) AND status = ?',
      'SELECT usr_no AS user_id FROM trs.t_user WHERE usr_no IN (SELECT holder FROM grants WHERE role_code = ?) AND state = ?',
    ],
    [
      "SELECT username FROM users WHERE status = 'status'",
      "SELECT login AS username FROM trs.t_user WHERE state = 'status'",
    ],
    ["SELECT 'it''s user_id' AS n FROM users", "SELECT 'it''s user_id' AS n FROM trs.t_user"],
    [
      "SELECT version FROM entity_versions WHERE entity = 'user'",
      "SELECT version FROM entity_versions WHERE entity = 'user'",
    ],
    ['SELECT role FROM roles', 'SELECT code AS role FROM role_list'],
  ]
  for (const [sql = '', expected] of ROWS) test(sql, () => assert.equal(mapStatement(sql, MAPPING), expected))

  test('under the same names it is the same, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('SELECT', 'FROM', 'users', 'user_id', '(', ')', ',', "'a''b'", '?', ' ', '\n', 'AS', '.'),
        ),
        (tokens) => {
          const sql = tokens.join(' ')
          assert.equal(mapStatement(sql, SAME_NAMES), sql)
        },
      ),
      { seed: 20261128 },
    )
  })

  test('two tables of one scope would leave a column in doubt', () => {
    assert.throws(
      () => mapStatement('SELECT user_id FROM users JOIN user_roles ON 1 = 1', MAPPING),
      /two mapped tables/,
    )
  })
})

describe('a file of names', () => {
  const REFUSED: [what: string, json: unknown, message: RegExp][] = [
    ['no object', [], /the mapping is no object/],
    ['an unknown table', { people: {} }, /no table "people"/],
    ['an unknown column', { users: { columns: { login: 'x' } } }, /users has no column "login"/],
    ['an unknown member', { users: { name: 'x' } }, /has a member "name"/],
    ['code for a table', { users: { table: 'users; DROP TABLE users' } }, /table of users is no identifier/],
    ['code for a column', { users: { columns: { phone: "x' OR '1" } } }, /users.phone is no identifier/],
    ['a quoted name', { users: { table: '"users"' } }, /no identifier/],
    ['one name for two columns', { users: { columns: { phone: 'EMAIL' } } }, /Two columns of users/],
    ['one name for two tables', { users: { table: 'roles' } }, /Two tables/],
  ]
  for (const [what, json, message] of REFUSED) {
    test(`refused: ${what}`, () => {
      assert.throws(
        () => mappingFrom(json),
        (error) => error instanceof MappingError && message.test(error.message),
      )
    })
  }

  test('an empty one changes nothing', () => assert.deepEqual(mappingFrom({}), SAME_NAMES))
})
