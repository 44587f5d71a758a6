import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromSqlTime, toSqlTime } from './time.ts'

const SEED = 20_240_606

test('the times of older programs are read, whatever their fraction', () => {
  for (const [text, time] of [
    ['2024-06-01 09:00:00', '2024-06-01T09:00:00.000Z'],
    ['2024-06-01 09:00:00.5', '2024-06-01T09:00:00.500Z'],
    ['2024-06-01 09:00:00.05', '2024-06-01T09:00:00.050Z'],
    ['2024-06-01 09:00:00.123', '2024-06-01T09:00:00.123Z'],
    ['2024-06-01 09:00:00.123999', '2024-06-01T09:00:00.123Z'],
    ['2024-06-01T09:00:00.123Z', '2024-06-01T09:00:00.123Z'],
    ['2024-06-01', '2024-06-01T00:00:00.000Z'],
    ['  2024-06-01 09:00:00.100  ', '2024-06-01T09:00:00.100Z'],
  ] as const) {
    assert.equal(fromSqlTime(text), time)
  }
})

test('what is no time reads as none', () => {
  for (const text of ['', ' ', 'yesterday', '0000-00-00 00:00:00', '2024-13-01', '2024-06-01 25:00:00', '01.06.2024']) {
    assert.equal(fromSqlTime(text), null, text)
  }
})

test('a time with an offset is kept in UTC', () => {
  assert.equal(toSqlTime('2024-06-01T11:00:00.5+02:00'), '2024-06-01 09:00:00.500')
})

test('what is written is read as it was', () => {
  const times = fc.date({ min: new Date('1900-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(times, (time) => {
      assert.equal(fromSqlTime(toSqlTime(time.toISOString())), time.toISOString())
    }),
    { seed: SEED },
  )
})
