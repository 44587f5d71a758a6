import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many } from '../../../test/support/users.ts'
import { type Branch, WEEKDAYS } from '../../domain/neighbours.ts'
import { seedUsers } from '../../jobs/seed/users.ts'
import { madeUpBranch } from './made-up-branches.ts'

const ALL = many(999, (n) => madeUpBranch(`B${String(n + 1).padStart(3, '0')}`)).filter((branch) => branch !== null)
const everyOne = (what: string, holds: (branch: Branch) => boolean) =>
  assert.deepEqual(ALL.filter((branch) => !holds(branch)).slice(0, 3), [], what)

test('each branch of the made-up users is known, under its own id', () => {
  assert.equal(ALL.length, 999)
  const ids = [...seedUsers({ count: 2_000, seed: 3 })].flatMap(({ branches }) => branches)
  assert.ok(new Set(ids).size > 500)
  for (const id of ids) assert.equal(madeUpBranch(id)?.branchId, id)
})

test('ids of another form are not', () => {
  for (const id of ['', 'B000', 'B1', 'B01', 'B0001', 'b001', 'B001 ', ' B001', 'B001\n', 'X001', 'BB01', 'B٠٠١']) {
    assert.equal(madeUpBranch(id), null, JSON.stringify(id))
  }
})

test('the same one is always the same: what documents show stays true', () => {
  const sixDays = WEEKDAYS.slice(0, 6).map((day) => ({ day, opens: '06:00', closes: '23:00' }))
  assert.deepEqual(madeUpBranch('B001'), {
    branchId: 'B001',
    name: 'Warszawa Centrum',
    address: { street: 'al. Róż 4', postalCode: '00-468', city: 'Warszawa', countryCode: 'PL' },
    phone: '+1 247 555 0140',
    timeZone: 'Europe/Warsaw',
    openingHours: sixDays,
  })
  assert.deepEqual(madeUpBranch('B620'), madeUpBranch('B620'))
})

test('they differ: towns in several countries and time zones, quarters, streets, hours, some without a phone', () => {
  const count = (of: (branch: Branch) => unknown) => new Set(ALL.map(of)).size
  assert.ok(count(({ address }) => address.city) >= 20)
  assert.ok(count(({ address }) => address.countryCode) >= 5)
  assert.ok(count(({ timeZone }) => timeZone) >= 5)
  assert.ok(count(({ name }) => name) > 100)
  assert.ok(count(({ address }) => JSON.stringify(address)) > 950)
  assert.ok(count(({ openingHours }) => JSON.stringify(openingHours)) >= 6)
  const silent = ALL.filter(({ phone }) => phone === null).length
  assert.ok(silent > 50 && silent < 150, `${silent} without a phone`)
})

test('each is of one place: town, country, time zone and code fit', () => {
  const at = new Map(ALL.map(({ address, timeZone }) => [address.city, { country: address.countryCode, timeZone }]))
  everyOne('one country and time zone a town', ({ address, timeZone }) => {
    const place = at.get(address.city)
    return place?.country === address.countryCode && place.timeZone === timeZone
  })
  everyOne('named by its town', ({ name, address }) => name.startsWith(`${address.city} `))
  everyOne('ISO 3166-1 alpha-2', ({ address }) => /^[A-Z]{2}$/.test(address.countryCode))
  everyOne('a postal code', ({ address }) => /^[A-Z0-9][A-Z0-9 -]{2,8}\d$/.test(address.postalCode))
  everyOne('Polish codes', ({ address: { countryCode, postalCode } }) =>
    countryCode === 'PL' ? /^\d\d-\d{3}$/.test(postalCode) : true,
  )
  everyOne('a street and a house', ({ address }) => /^\p{Lu}.+|^(?:ul|al|pl)\. .+/u.test(address.street))
  everyOne('a house number', ({ address }) => / [1-9]\d{0,2}$/.test(address.street))
  const known = new Set([...at.values()].map(({ timeZone }) => timeZone))
  for (const timeZone of known) assert.doesNotThrow(() => new Intl.DateTimeFormat('en', { timeZone }), timeZone)
})

test('hours are in order, of a week, and none overlap; many are closed on Sundays, all of Poland among them', () => {
  const order = ({ day, opens }: Branch['openingHours'][number]) => `${WEEKDAYS.indexOf(day)} ${opens}`
  everyOne('HH:MM, opens before it closes', ({ openingHours }) =>
    openingHours.every(({ opens, closes }) => [opens, closes].every(isTime) && opens < closes),
  )
  everyOne('in order, one after another', ({ openingHours }) =>
    openingHours.slice(1).every((next, index) => {
      const former = openingHours[index]
      return former && order(former) < order(next) && (former.day !== next.day || former.closes < next.opens)
    }),
  )
  everyOne('open from Monday to Saturday', ({ openingHours }) =>
    WEEKDAYS.slice(0, 6).every((wanted) => openingHours.some(({ day }) => day === wanted)),
  )
  const openOnSunday = ALL.filter(({ openingHours }) => openingHours.some(({ day }) => day === 'sunday'))
  assert.ok(openOnSunday.length > 100 && openOnSunday.length < 500)
  assert.ok(openOnSunday.every(({ address }) => address.countryCode !== 'PL'))
  assert.ok(ALL.some(({ openingHours }) => openingHours.filter(({ day }) => day === 'monday').length === 2))
})

test('nobody can be called: numbers are those set aside for examples', () => {
  everyOne('phone', ({ phone }) => phone === null || /^\+1 \d{3} 555 01\d\d$/.test(phone))
})

function isTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text)
}
