import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_USER_ID } from '../domain/user.ts'
import { epochOf, foreignKey, isForeignKey, keysOf, readModelKeys, SCHEMA, schemaTag } from './keys.ts'

const EPOCH = '0a1b2c3d'
const SEED = 20_240_802

const userId = fc.integer({ min: 1, max: MAX_USER_ID })
const tagOf = (key: string) => /^\{(.*?)\}/.exec(key)?.[1]

test(`each user lies in one partition, whose keys share a hash tag that no other has (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 7, 64, 1_024), userId, (count, id) => {
      const keys = readModelKeys(EPOCH, count)
      const partition = keys.of(id)
      assert.equal(keys.partitions.length, count)
      assert.equal(keys.partitions.filter((one) => one === partition).length, 1)
      const { user, lease, branch, base, index, ...names } = partition
      const own = [user(id), lease(id), branch('B1'), ...Object.values(names)]
      assert.deepEqual(new Set(own.map(tagOf)), new Set([`usr${index}`]))
      assert.ok(own.every((key) => key.startsWith(base)))
      assert.equal(new Set(own).size, own.length)
      assert.equal(keys.user(id), user(id))
    }),
    { seed: SEED },
  )
})

test('users are spread evenly', () => {
  const keys = readModelKeys(EPOCH, 7)
  const counts = new Map<number, number>()
  for (let id = 1; id <= 7_000; id += 1) counts.set(keys.of(id).index, (counts.get(keys.of(id).index) ?? 0) + 1)
  assert.deepEqual([...counts.values()], Array(7).fill(1_000))
})

test('another number of partitions is another schema, and both are told from its tag alone', () => {
  assert.equal(schemaTag(SCHEMA, 1), `${SCHEMA}`)
  assert.equal(schemaTag(3, 64), '3p64')
  for (const count of [1, 7]) {
    const keys = readModelKeys(EPOCH, count)
    const again = keysOf(EPOCH, keys.tag)
    assert.equal(again.partitions.length, count)
    assert.equal(again.user(5), keys.user(5))
    assert.equal(again.schemas, readModelKeys(EPOCH, 3).schemas, 'one register for all')
  }
  assert.notEqual(readModelKeys(EPOCH, 1).user(7), readModelKeys(EPOCH, 7).user(7))
  assert.throws(() => keysOf(EPOCH, '2p0'), RangeError)
})

const OWN = readModelKeys(EPOCH, 7)
const EPOCHS: { key: string; epoch: string | null }[] = [
  { key: OWN.user(9), epoch: EPOCH },
  { key: OWN.home.inc, epoch: EPOCH },
  { key: OWN.roles, epoch: EPOCH },
  { key: OWN.schemas, epoch: EPOCH },
  { key: OWN.username('ann.lee'), epoch: EPOCH },
  { key: OWN.username('{odd}:name'), epoch: EPOCH },
  { key: readModelKeys('other').of(3).branch('B1'), epoch: 'other' },
  { key: foreignKey('branch', 1, 'B1'), epoch: null },
  { key: foreignKey('branch', 1, '0a1b.2:x'), epoch: null },
  { key: '{usrportal}:x', epoch: null },
  { key: '{usrportal}:0a1b.2:x', epoch: null },
  { key: '{usr42}:cart', epoch: null },
  { key: '{usr42}:cart:7', epoch: null },
  { key: '{usr42}:cart.items', epoch: null },
  { key: '{usr42}:cart.items:7', epoch: null },
  { key: '{usr42}:schemas', epoch: null },
  { key: '{usr}:0a1b.2:x', epoch: null },
  { key: 'x{usr0}:0a1b.2:x', epoch: null },
  { key: 'bull:jobs:1', epoch: null },
]
for (const { key, epoch } of EPOCHS) {
  test(`${key} is ${epoch === null ? 'of no epoch' : `of the epoch ${epoch}`}`, () => assert.equal(epochOf(key), epoch))
}

const anyId = fc.oneof(
  fc.constantFrom('', '{}', '}:1', 'B{1}', 'é', 'B 1', 'B1\n', '~QgAxAA', '\ud800', '\ud801'),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
test(`whatever the id, a copy of what others say has a slot and a name of its own (seed ${SEED})`, () => {
  assert.equal(foreignKey('branch', 2, 'B-1'), '{usr:fbranch:B-1}:2')
  fc.assert(
    fc.property(anyId, anyId, (one, other) => {
      const key = foreignKey('branch', 2, one)
      assert.match(key, /^\{usr:fbranch:[\w.~-]+\}:2$/)
      assert.ok(isForeignKey(key))
      assert.equal(tagOf(key), key.slice(1, -3))
      assert.equal(foreignKey('branch', 2, other) === key, other === one)
    }),
    { seed: SEED, numRuns: 1_000 },
  )
  assert.notEqual(foreignKey('branch', 2, 'B1'), foreignKey('branch', 3, 'B1'))
  assert.notEqual(foreignKey('branch', 2, 'B1'), foreignKey('employment', 2, 'B1'))
})

test('keys of ours that are no such copies, and others’, are not taken for one', () => {
  const claim = `${foreignKey('branch', 2, 'B1')}:claim`
  for (const key of [
    claim,
    OWN.user(9),
    OWN.username('fann'),
    OWN.roles,
    '{usr:fbranch:a{b}:2',
    '{usr:n}:0a.2:{usr:fa:b}:2',
  ]) {
    assert.equal(isForeignKey(key), false, key)
  }
})

test('the username of a hint can be told from its key, and no other key is taken for one', () => {
  const keys = readModelKeys(EPOCH, 7)
  for (const name of ['ann.lee', 'zoë', 'a}:b', `x}:${EPOCH}.1:y`])
    assert.equal(keys.usernameOf(keys.username(name)), name)
  const ofAnother = keysOf(EPOCH, schemaTag(SCHEMA - 1, 7))
  for (const key of [keys.user(1), keys.roles, keys.home.inc, ofAnother.username('ann'), '{usr:n', ''])
    assert.equal(keys.usernameOf(key), null, key)
})

test('a schema without partitions is refused', () => {
  assert.throws(() => keysOf(EPOCH, '3p0'), RangeError)
})

test('where everything stands: a key that is another one, or means another thing, is another schema', () => {
  const { partitions, home, of, user, username, usernameOf, beats, ...others } = keysOf(EPOCH, '3p12')
  const { user: entry, lease, branch, ...names } = of(23)
  const base = '{usr11}:0a1b2c3d.3p12:'
  assert.deepEqual(
    { ...names, entry: entry(23), lease: lease(23), branch: branch('B1') },
    {
      ...{ index: 11, base, entry: `${base}id:23`, lease: `${base}lease:23`, branch: `${base}branch:B1` },
      ...{ names: `${base}names`, ids: `${base}ids`, dirty: `${base}dirty`, ghosts: `${base}ghosts` },
      ...{ inc: `${base}inc`, mark: `${base}mark`, built: `${base}built`, ahead: `${base}ahead` },
    },
  )
  assert.equal(home, partitions[0])
  assert.deepEqual(others, {
    ...{ epoch: EPOCH, tag: '3p12' },
    userPrefixes: partitions.map((_, index) => `{usr${index}}:0a1b2c3d.3p12:id:`),
    roles: '{usr0}:0a1b2c3d.3p12:roles',
    stream: '{usr0}:0a1b2c3d.3p12:stream',
    tally: '{usr0}:0a1b2c3d.3p12:tally',
    jobs: '{usrjobs}:0a1b2c3d.3p12',
    schemas: '{usr0}:0a1b2c3d:schemas',
    changed: '{usr0}:0a1b2c3d:changed',
    switched: '{usr0}:0a1b2c3d:switched',
    everything: '{usr*}:*',
    ownEverywhere: '{usr*}:0a1b2c3d.3p12:*',
    jobsEverywhere: '{usrjobs}:0a1b2c3d.3p12:*',
    hintsEverywhere: '{usr:n*}:0a1b2c3d.3p12:*',
  })
  assert.deepEqual(
    [user(24), username('Ann.Lee')],
    ['{usr0}:0a1b2c3d.3p12:id:24', '{usr:nann.lee}:0a1b2c3d.3p12:ann.lee'],
  )
  assert.equal(username('a}b'), '{usr:n}:0a1b2c3d.3p12:a}b')
  assert.deepEqual([beats.length, new Set(beats).size, beats[7]], [512, 512, '{usr~7}:0a1b2c3d.3p12:'])
})

test('of keys with numbers of several digits, too, it is known whose they are', () => {
  const { user, schemas, jobs, username } = keysOf(EPOCH, '13p12')
  assert.deepEqual([user(11), schemas, `${jobs}:rebuild`, username('ann')].map(epochOf), [EPOCH, EPOCH, EPOCH, EPOCH])
  assert.equal(epochOf(`${schemas}x`), null)
  assert.equal(isForeignKey('{usr:fbranch-0a1b:B1}:12'), true)
  assert.equal(isForeignKey('{usr:fbranch-xyz:B1}:12'), false)
})
