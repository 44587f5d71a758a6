import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNLIMITED } from '../../domain/authority.ts'
import { visibleSwitches } from './visible-switches.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }

/** What is done, in its order. */
function switches({ commits = true, reads = true }) {
  const done: string[] = []
  const { update } = visibleSwitches({
    store: {
      async update(name) {
        if (!commits) throw new Error('planted')
        done.push(`commit ${name}`)
        return { setting: 'a', visible: true }
      },
    },
    board: {
      async refresh() {
        done.push('refresh')
        return reads
      },
    },
    announce: () => void done.push('announce'),
  })
  return { done, update: () => update('breaker:x', BY, () => null) }
}

test('what is committed is told to the others and applied here, before it is acknowledged', async () => {
  const { done, update } = switches({})
  assert.deepEqual(await update(), { setting: 'a', visible: true })
  assert.deepEqual(done, ['commit breaker:x', 'announce', 'refresh'])
})

test('what is committed and could not be applied here says so', async () => {
  assert.deepEqual(await switches({ reads: false }).update(), { setting: 'a', visible: false })
})

test('what is not committed is told to nobody', async () => {
  const { done, update } = switches({ commits: false })
  await assert.rejects(update, /planted/)
  assert.deepEqual(done, [])
})
