import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqlTruth } from '../../src/adapters/sql/truth.ts'
import type { Session, Truth } from '../../src/ports.ts'
import { insertRole, insertUser, type OpenRig, type Owner, type Rig, run, truthOf, versions } from './rig.ts'

const NO_FILTER = { branchId: null, role: null, status: null }

export function truthContract(open: OpenRig): void {
  describe('truth', () => {
    reading(open)
    listing(open)
    roles(open)
    foreignWriter(open)
  })
}

function reading(open: OpenRig): void {
  test('a user is put together from all tables, in the order of answers', async (t) => {
    const rig = await open(t)
    await insertUser(rig.database, 7, 'Ann.Lee')
    await insertRole(rig.database, 'cashier')
    await run(
      rig.database,
      `UPDATE users SET employee_number = 'E7', email = 'ann@example.com', phone = '1', job_title = 'Cashier',
         home_branch_id = 'B2', updated_at = '2021-02-03 04:05:06.789'`,
      ...['B2', 'B10', 'A1'].map((id) => `INSERT INTO user_branches (user_id, branch_id) VALUES (7, '${id}')`),
      ...[`'B2'`, 'NULL', `'A1'`].map(
        (id) => `INSERT INTO user_roles (user_id, role, branch_id) VALUES (7, 'cashier', ${id})`,
      ),
      ...['refund-amount', 'cash-drop', 'other'].map(
        (name) => `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (7, '${name}', 5)`,
      ),
      ...['theme', '__proto__', 'A'].map(
        (key) => `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (7, '${key}', 'x')`,
      ),
    )
    const read = await truthOf(rig).user(7)
    const { preferences, ...user } = read.user ?? assert.fail('there is one')
    assert.deepEqual(user, {
      id: 7,
      username: 'Ann.Lee',
      employeeNumber: 'E7',
      givenName: 'Ann',
      familyName: 'Lee',
      email: 'ann@example.com',
      phone: '1',
      jobTitle: 'Cashier',
      status: 'active',
      homeBranchId: 'B2',
      branches: ['A1', 'B10', 'B2'],
      roles: [null, 'A1', 'B2'].map((branchId) => ({ role: 'cashier', branchId })),
      limits: { 'cash-drop': 5, 'refund-amount': 5 },
      createdAt: '2020-01-01T00:00:00.000Z',
      updatedAt: '2021-02-03T04:05:06.789Z',
      version: 18,
    })
    assert.deepEqual(Object.entries(preferences), [
      ['A', 'x'],
      ['__proto__', 'x'],
      ['theme', 'x'],
    ])
    assert.deepEqual([read.userId, read.version, read.settled], [7, 18, true])
  })

  for (const [status, reads] of [
    ['active', 'active'],
    ['suspended', 'suspended'],
    ['terminated', 'terminated'],
    ['ACTIVE', 'suspended'],
    ['', 'suspended'],
  ]) {
    test(`the status "${status}" reads as ${reads}`, async (t) => {
      const rig = await open(t)
      await insertUser(rig.database, 1)
      await rig.database.execute('UPDATE users SET status = ?', [status ?? null])
      assert.equal((await truthOf(rig).user(1)).user?.status, reads)
    })
  }

  test('who never was has version 0; who was deleted keeps a version', async (t) => {
    const rig = await open(t)
    const { user } = truthOf(rig)
    const nobody = { userId: 1, version: 0, user: null, settled: true }
    assert.deepEqual(await user(1), nobody)
    await insertUser(rig.database, 1)
    await run(rig.database, 'DELETE FROM users')
    assert.deepEqual(await user(1), { ...nobody, version: 6 })
  })

  test('many users come in the order asked for, once for each time asked, with nobody else’s rows', async (t) => {
    const rig = await open(t)
    await rig.database.transaction(async (session) => {
      for (let id = 1; id <= 600; id += 1) {
        await insertUser(session, id)
        await session.execute('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', [id, `B${id}`])
      }
    })
    const ids = [600, 3, 77_777, 3, ...Array.from({ length: 496 }, (_, index) => 2 * (index + 1))]
    const read = await truthOf(rig).users(ids)
    assert.deepEqual(
      read.map(({ userId }) => userId),
      ids,
    )
    for (const { userId, user, version, settled } of read) {
      assert.ok(settled)
      assert.deepEqual(
        [user?.id, user?.branches, version],
        userId > 600 ? [undefined, undefined, 0] : [userId, [`B${userId}`], 6],
      )
    }
    assert.deepEqual(await truthOf(rig).users([]), [])
  })

  test('a username finds its user in any case, and only whole', async (t) => {
    const rig = await open(t)
    await insertUser(rig.database, 1, 'Ann.Lee')
    const { userIdByUsername } = truthOf(rig)
    for (const username of ['Ann.Lee', 'ann.lee', 'ANN.LEE']) assert.equal(await userIdByUsername(username), 1)
    for (const username of ['ann', 'ann_lee', '%', '', 'ann.lee ']) assert.equal(await userIdByUsername(username), null)
  })
}

function listing(open: OpenRig): void {
  async function filled(t: Owner): Promise<{ rig: Rig; truth: Truth }> {
    const rig = await open(t)
    for (const id of [1, 2, 3, 10, 20]) await insertUser(rig.database, id)
    for (const role of ['cashier', 'baker']) await insertRole(rig.database, role)
    await run(
      rig.database,
      "UPDATE users SET status = 'suspended' WHERE user_id IN (2, 10)",
      ...[1, 2, 10].map((id) => `INSERT INTO user_branches (user_id, branch_id) VALUES (${id}, 'B1')`),
      `INSERT INTO user_branches (user_id, branch_id) VALUES (20, 'B2')`,
      // Two grants of one role are one holder.
      ...[`1, 'cashier', NULL`, `1, 'cashier', 'B1'`, `10, 'cashier', 'B1'`, `20, 'baker', NULL`].map(
        (row) => `INSERT INTO user_roles (user_id, role, branch_id) VALUES (${row})`,
      ),
    )
    return { rig, truth: truthOf(rig) }
  }

  test('ids are filtered by branch, role and status, and by all of them', async (t) => {
    const { truth } = await filled(t)
    for (const [filter, ids] of [
      [{}, [1, 2, 3, 10, 20]],
      [{ branchId: 'B1' }, [1, 2, 10]],
      [{ role: 'cashier' }, [1, 10]],
      [{ status: 'suspended' }, [2, 10]],
      [{ branchId: 'B1', status: 'active' }, [1]],
      [{ branchId: 'B1', role: 'cashier', status: 'suspended' }, [10]],
      [{ branchId: 'B2', role: 'cashier' }, []],
      [{ branchId: 'b1' }, []],
    ] as const) {
      assert.deepEqual(await truth.userIds({ ...NO_FILTER, ...filter }, 0, 100), ids, JSON.stringify(filter))
    }
    assert.equal(await truth.countUsers(), 5)
  })

  test('ids come in pages, in the order of numbers', async (t) => {
    const { truth } = await filled(t)
    assert.deepEqual(await truth.userIds(NO_FILTER, 0, 2), [1, 2])
    assert.deepEqual(await truth.userIds(NO_FILTER, 2, 2), [3, 10])
    assert.deepEqual(await truth.userIds(NO_FILTER, 10, 2), [20])
    assert.deepEqual(await truth.userIds(NO_FILTER, 20, 2), [])
  })

  test('who has changed since a time comes once, in the order of numbers, and deleted users with them', async (t) => {
    const { rig, truth } = await filled(t)
    const set = `UPDATE entity_versions SET changed_at = ? WHERE entity = 'user' AND entity_id`
    await rig.database.execute(`${set} <> '0'`, ['2020-01-01 00:00:00.000'])
    await rig.database.execute(`${set} IN ('10', '2', '20')`, ['2022-01-01 00:00:00.000'])
    await run(rig.database, 'DELETE FROM users WHERE user_id = 3')
    const since = (time: string, after = 0, limit = 100) => truth.usersChangedSince(time, after, limit)
    assert.deepEqual(await since('2020-01-01 00:00:00.000'), [1, 2, 3, 10, 20])
    assert.deepEqual(await since('2022-01-01 00:00:00.000'), [2, 3, 10, 20])
    assert.deepEqual(await since('2022-01-01 00:00:00.001'), [3])
    assert.deepEqual(await since('2021-01-01 00:00:00.000', 2, 2), [3, 10])
    assert.deepEqual(await since('2021-01-01 00:00:00.000', 10, 2), [20])
  })

  test('who has changed between two times, both included, if any of their tables did', async (t) => {
    const { rig, truth } = await filled(t)
    const set = `UPDATE entity_versions SET changed_at = ? WHERE entity = 'user' AND entity_id`
    await rig.database.execute(`${set} <> '0'`, ['2020-01-01 00:00:00.000'])
    await rig.database.execute(`${set} = '10' AND source = 'user_roles'`, ['2022-01-01 00:00:00.000'])
    await rig.database.execute(`${set} = '20' AND source = 'users'`, ['2022-01-01 00:00:00.500'])
    await rig.database.execute(`${set} = '2' AND source = 'users'`, ['2022-01-01 00:00:00.501'])
    const between = (since: string, until: string | null, after = 0, limit = 100) =>
      truth.usersChangedSince(since, after, limit, until)
    assert.deepEqual(await between('2022-01-01 00:00:00.000', '2022-01-01 00:00:00.500'), [10, 20])
    assert.deepEqual(await between('2022-01-01 00:00:00.001', '2022-01-01 00:00:00.499'), [])
    assert.deepEqual(await between('2022-01-01 00:00:00.000', '2022-01-01 00:00:00.499'), [10])
    assert.deepEqual(await between('2022-01-01 00:00:00.000', null), [2, 10, 20])
    assert.deepEqual(await between('2019-01-01 00:00:00.000', '2022-01-01 00:00:00.500'), [1, 2, 3, 10, 20])
    assert.deepEqual(await between('2019-01-01 00:00:00.000', '2022-01-01 00:00:00.500', 2, 2), [3, 10])
    await run(rig.database, 'DELETE FROM users WHERE user_id = 3')
    assert.deepEqual(await between('2022-01-01 00:00:00.501', '9999-12-31 23:59:59.999'), [2, 3])
  })

  test('now is the time that changes get', async (t) => {
    const { rig, truth } = await filled(t)
    const before = await truth.now()
    await run(rig.database, 'DELETE FROM entity_changes', `UPDATE users SET phone = '1' WHERE user_id = 1`)
    const [change] = await rig.database.query<{ changed_at: string }>('SELECT changed_at FROM entity_changes')
    const times = [before, change?.changed_at ?? '', await truth.now()]
    assert.deepEqual(times, times.toSorted())
  })
}

function roles(open: OpenRig): void {
  test('the catalogue is all roles with their permissions, in order, at one version', async (t) => {
    const rig = await open(t)
    const { database } = rig
    const { roles: read } = truthOf(rig)
    assert.deepEqual(await read(), { version: 2, roles: [], settled: true })
    await insertRole(database, 'cashier', ['till.open', 'drawer.open'])
    await insertRole(database, 'baker')
    await run(
      database,
      `UPDATE roles SET privileged = 1, title = 'Baker' WHERE role = 'baker'`,
      `UPDATE role_permissions SET effect = 'other' WHERE permission = 'drawer.open'`,
    )
    assert.deepEqual(await read(), {
      version: 8,
      settled: true,
      roles: [
        { role: 'baker', title: 'Baker', privileged: true, permissions: [] },
        {
          role: 'cashier',
          title: 'cashier',
          privileged: false,
          permissions: [
            // An effect that is not known is the weaker one.
            { permission: 'drawer.open', effect: 'approve' },
            { permission: 'till.open', effect: 'allow' },
          ],
        },
      ],
    })
  })
}

function foreignWriter(open: OpenRig): void {
  test('what a program of another kind writes moves versions and makes changes, for all to see', async (t) => {
    const rig = await open(t)
    const { database } = rig
    await insertRole(database, 'cashier')
    await insertUser(database, 1)
    await run(database, 'DELETE FROM entity_changes')
    const before = await versions(database)
    await rig.otherProgram(
      [
        `UPDATE users SET job_title = 'Round ' || ? WHERE user_id = 1`,
        `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B' || ?)`,
        `INSERT INTO users (user_id, username, given_name, family_name, created_at, updated_at)
         VALUES (100 + ?, 'foreign', 'Bo', 'Orr', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
        `UPDATE roles SET title = 'Till' WHERE role = 'cashier'`,
      ],
      1,
    ).ended
    const after = await versions(database)
    const moved = [...after].filter(([counter, version]) => before.get(counter) !== version).map(([counter]) => counter)
    assert.deepEqual(moved.sort(), [
      'role * roles',
      'user 1 user_branches',
      'user 1 users',
      ...['user_branches', 'user_limits', 'user_preferences', 'user_roles', 'users'].map(
        (table) => `user 101 ${table}`,
      ),
    ])
    const changes = await database.query('SELECT entity, entity_id FROM entity_changes ORDER BY change_id')
    assert.deepEqual(
      changes.map((change) => `${change.entity} ${change.entity_id}`),
      ['user 1', 'user 1', 'user 101', 'role *'],
    )
    const [ann, bo] = await truthOf(rig).users([1, 101])
    assert.deepEqual([ann?.user?.jobTitle, ann?.user?.branches, ann?.version], ['Round 1', ['B1'], 7])
    assert.deepEqual([bo?.user?.username, bo?.version], ['foreign', 5])
  })
}

/** No settled answer is put together from two states of the database. */
export function tornReadsContract(open: OpenRig): void {
  describe('torn reads', () => {
    interleaved(open)
    besideAWriter(open)
  })
}

/** Everything that one commit sets to the same number; `id` is the user. */
const everywhere = (id: number) => [
  `UPDATE users SET email = ? WHERE user_id = ${id}`,
  `UPDATE user_branches SET branch_id = ? WHERE user_id = ${id}`,
  `UPDATE user_roles SET branch_id = ? WHERE user_id = ${id}`,
  `UPDATE user_limits SET limit_value = ? WHERE user_id = ${id}`,
  `UPDATE user_preferences SET preference_value = ? WHERE user_id = ${id}`,
]
const EVERYWHERE_IN_ROLES = ['UPDATE roles SET title = ?', 'UPDATE role_permissions SET permission = ?']

async function fillForRounds({ database }: Rig, userIds: number[]): Promise<void> {
  await insertRole(database, 'cashier', ['0'])
  await run(database, `UPDATE roles SET title = '0'`)
  for (const id of userIds) {
    await insertUser(database, id)
    await run(
      database,
      `UPDATE users SET email = '0' WHERE user_id = ${id}`,
      `INSERT INTO user_branches (user_id, branch_id) VALUES (${id}, '0')`,
      `INSERT INTO user_roles (user_id, role, branch_id) VALUES (${id}, 'cashier', '0')`,
      `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (${id}, 'refund-amount', 0)`,
      `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (${id}, 'n', '0')`,
    )
  }
}

type Seen = { version: number; settled: boolean; numbers: Set<number> }

async function seeUsers(truth: Truth, userIds: number[]): Promise<Seen[]> {
  return (await truth.users(userIds)).map(({ user, version, settled }) => {
    const { email, branches, roles, limits, preferences } = user ?? assert.fail('there is one')
    const all = [email, ...branches, ...roles.map(({ branchId }) => branchId), limits['refund-amount'], preferences.n]
    assert.equal(all.length, 5)
    return { version, settled, numbers: new Set(all.map(Number)) }
  })
}

async function seeRoles(truth: Truth): Promise<Seen[]> {
  const { roles, version, settled } = await truth.roles()
  const all = roles.flatMap(({ title, permissions }) => [title, ...permissions.map(({ permission }) => permission)])
  assert.equal(all.length, 2)
  return [{ version, settled, numbers: new Set(all.map(Number)) }]
}

/** A commit of another replica after each statement of a read: at no place can a read be torn. */
function interleaved(open: OpenRig): void {
  let round = 0
  /** Commits a round before the statements whose numbers, from 0, `isTorn` takes. */
  function torn({ database, other }: Rig, work: string[], isTorn: (statement: number) => boolean) {
    let asked = 0
    // One statement after the other, although the reader asks for several at once.
    let last: Promise<unknown> = Promise.resolve()
    const query: Session['query'] = (sql, params) => {
      const answer = last.then(async () => {
        if (isTorn(asked)) {
          round += 1
          await other.transaction(async (session) => {
            for (const statement of work) await session.execute(statement, [round])
          })
        }
        asked += 1
        return database.query<never>(sql, params)
      })
      last = answer
      return answer
    }
    const point: Session = { query, execute: database.execute }
    return { truth: sqlTruth({ point, scan: point, dialect: database.dialect }), asked: () => asked }
  }

  const subjects = [
    { what: 'a user', statements: 7, work: everywhere(1), see: (truth: Truth) => seeUsers(truth, [1]) },
    {
      what: 'several users',
      statements: 7,
      work: [...everywhere(1), ...everywhere(2)],
      see: (truth: Truth) => seeUsers(truth, [1, 2]),
    },
    { what: 'the catalogue', statements: 4, work: EVERYWHERE_IN_ROLES, see: seeRoles },
  ]
  for (const { what, statements, work, see } of subjects) {
    test(`a commit at any moment of reading ${what} makes it read again, and whole`, async (t) => {
      const rig = await open(t)
      await fillForRounds(rig, [1, 2])
      for (let at = 0; at < statements; at += 1) {
        const { truth, asked } = torn(rig, work, (statement) => statement === at)
        for (const { settled, numbers } of await see(truth)) {
          assert.ok(settled)
          assert.equal(numbers.size, 1, `torn before statement ${at}: ${[...numbers]}`)
        }
        assert.equal(asked(), at === 0 ? statements : 2 * statements)
      }
    })

    test(`${what}, moving at every try: answered, and said not to be settled`, async (t) => {
      const rig = await open(t)
      await fillForRounds(rig, [1, 2])
      const { truth, asked } = torn(rig, work, (statement) => statement % statements === 2)
      const seen = await see(truth)
      assert.ok(seen.every(({ settled }) => !settled))
      assert.equal(asked(), 3 * statements)
    })
  }

  test('only the users that moved are read again', async (t) => {
    const rig = await open(t)
    await fillForRounds(rig, [1, 2])
    const { truth } = torn(rig, everywhere(1), (statement) => statement % 7 === 2)
    const [moving, still] = await seeUsers(truth, [1, 2])
    assert.equal(moving?.settled, false)
    assert.deepEqual(still, { version: 10, settled: true, numbers: new Set([0]) })
  })
}

const ROUNDS = 800

function besideAWriter(open: OpenRig): void {
  test('beside a program that commits all the time, every settled answer is one state of the database', async (t) => {
    const rig = await open(t)
    const { rounds = ROUNDS } = rig
    await fillForRounds(rig, [1, 2])
    const truth = truthOf(rig)
    const writer = rig.otherProgram([...everywhere(1), ...everywhere(2), ...EVERYWHERE_IN_ROLES], rounds)
    const histories = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()]
    while (writer.running()) {
      const seen = [...(await seeUsers(truth, [1, 2])), ...(await seeRoles(truth))]
      for (const [index, { version, settled, numbers }] of seen.entries()) {
        if (!settled) continue
        const [number = -1, ...more] = numbers
        assert.deepEqual(more, [], `settled at version ${version}, and torn`)
        const history = histories[index] ?? assert.fail()
        assert.equal(history.get(version) ?? number, number, 'one version is one content')
        history.set(version, number)
      }
      // Reading is synchronous on some databases: the other program's end has to be heard of.
      await new Promise(setImmediate)
    }
    await writer.ended
    for (const history of histories) {
      const inOrder = [...history].sort(([a], [b]) => a - b).map(([, number]) => number)
      assert.deepEqual(
        inOrder,
        inOrder.toSorted((a, b) => a - b),
        'higher versions are later states',
      )
      assert.ok(inOrder.length > 20, `they met: ${inOrder.length} states seen`)
    }
    for (const { numbers } of await seeUsers(truth, [1, 2])) assert.deepEqual([...numbers], [rounds])
  })
}
