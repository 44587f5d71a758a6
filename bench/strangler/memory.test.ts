import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rssOfStatus } from './memory.ts'

test('memory is what the process holds now, not the most that it held', () => {
  assert.equal(rssOfStatus('VmPeak:\t 900 kB\nVmHWM:\t 123 kB\nVmRSS:\t   99 kB\n'), 99 * 1_024)
  assert.throws(() => rssOfStatus('Name:\tnode\n'), /has ended/)
})
