import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deadlineIn } from './connection.ts'
import { sqlErrorFrom } from './errors.ts'
import { untilNotTooBusy } from './processes.ts'

const refused = (code: number) => sqlErrorFrom({ code, state: '', text: '' })

describe('a server that is too busy', () => {
  test('is asked again, a few times', async () => {
    let tries = 0
    const open = async () => {
      tries += 1
      if (tries < 3) throw refused(-27001)
      return 'in'
    }
    assert.equal(await untilNotTooBusy(open, deadlineIn(10_000)), 'in')
    assert.equal(tries, 3)
  })

  for (const [what, code, limitMs, expected] of [
    ['and no more than five times', -908, 10_000, 5],
    ['but not past the deadline', -908, 1, 1],
    ['another refusal is final', -951, 10_000, 1],
  ] as const) {
    test(what, async () => {
      let tries = 0
      const open = async () => {
        tries += 1
        throw refused(code)
      }
      await assert.rejects(untilNotTooBusy(open, deadlineIn(limitMs)), { name: 'SqlError' })
      assert.equal(tries, expected)
    })
  }
})
