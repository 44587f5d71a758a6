import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshKeys } from '../../../test/support/read-models.ts'
import { isRecorded } from './recorded.ts'

test('all partitions that are asked about at once are one read, and none that has begun is joined', async () => {
  const keys = freshKeys(7)
  let recorded = new Map(keys.partitions.map(({ index }) => [index, `i${index}.run`]))
  const reads: (() => void)[] = []
  const confirm = isRecorded({
    keys,
    incarnations: {
      recorded: (tag) => {
        assert.equal(tag, keys.tag)
        const told = recorded
        return new Promise((resolve) => reads.push(() => resolve(told)))
      },
    },
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const asked = keys.partitions.map(({ inc, index }) => confirm(inc, index === 3 ? 'another.run' : `i${index}.run`))
  await turn()
  recorded = new Map([[3, 'another.run']])
  const late = confirm(keys.partitions[3]?.inc ?? '', 'another.run')
  await turn()
  assert.equal(reads.length, 1)
  reads[0]?.()
  assert.deepEqual(await Promise.all(asked), [true, true, true, false, true, true, true])
  await turn()
  await turn()
  assert.equal(reads.length, 2)
  reads[1]?.()
  assert.equal(await late, true)
})
