import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentOf, numberOf } from './values.ts'

test('a time is the same moment however it is written', () => {
  const moment = Date.parse('2024-06-01T09:00:00.250Z')
  for (const text of ['2024-06-01T09:00:00.250Z', '2024-06-01 11:00:00.25+02:00', '2024-05-31t22:00:00.2500-11:00'])
    assert.equal(momentOf(text), moment, text)
  assert.equal(momentOf('2016-12-31T23:59:60Z'), Date.parse('2017-01-01T00:00:00Z'))
})

test('what no clock or calendar shows is no time', () => {
  for (const text of [
    ...['2024-06-01T24:00:00Z', '2024-06-01T09:60:00Z', '2024-06-01T09:00:61Z'],
    ...['2024-06-01T09:00:00+24:00', '2024-06-01T09:00:00+01:60'],
    ...['2024-00-01T09:00:00Z', '2024-13-01T09:00:00Z', '2024-06-00T09:00:00Z', '2023-02-29T09:00:00Z'],
    ...['2024-06-01T09:00:00', '2024-06-01', '', 7, null, undefined],
  ])
    assert.equal(momentOf(text), null, String(text))
})

test('a number may be written as text, within bounds', () => {
  assert.deepEqual([numberOf('1.50'), numberOf('-.5e1'), numberOf(2)], [1.5, -5, 2])
  for (const value of ['', '1,5', '0x10', '1e999', '1'.repeat(65), null, true]) assert.equal(numberOf(value), null)
})
