import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockTicksPerSecond, cpuTicks, peakMemoryKib, peakOfStatus, ticksOfStat } from './proc.ts'

/** From proc(5): 52 fields. utime 1234 and stime 567; the fields beside them would be noticed. */
const stat = (name: string) =>
  `4242 (${name}) S 1 4242 4242 0 -1 4194560 90001 90002 90003 90004 1234 567 90005 90006 20 0 11 0 12345 1 2 3`

test('CPU time is user and system time, whatever the process is called', () => {
  for (const name of ['node', 'redis-server *:6379', 'tmux: server (1)', 'a) S 1 2 3 (b', '']) {
    assert.equal(ticksOfStat(stat(name)), 1_801, name)
  }
})

test('what is no stat is refused, and not counted as nothing', () => {
  for (const text of ['', '4242 (node) S 1 2', 'nonsense']) assert.throws(() => ticksOfStat(text))
})

test('peak memory is the high-water mark, not what is held now', () => {
  const status = 'Name:\tnode\nVmPeak:\t 9000000 kB\nVmSize:\t 8000000 kB\nVmHWM:\t  123456 kB\nVmRSS:\t   99999 kB\n'
  assert.equal(peakOfStatus(status), 123_456)
  assert.equal(peakOfStatus('Name:\tnode\nState:\tZ (zombie)\n'), null)
})

test('this process has used CPU time and memory, and work adds to it', () => {
  const before = cpuTicks(process.pid)
  const usage = process.cpuUsage()
  const ticksPerSecond = clockTicksPerSecond()
  const usedUs = () => process.cpuUsage(usage).user + process.cpuUsage(usage).system
  while (usedUs() < 200_000) Math.sqrt(2)
  const usedMs = ((cpuTicks(process.pid) - before) * 1_000) / ticksPerSecond
  assert.ok(usedMs >= 180 && usedMs < 2_000, `${usedMs} ms for 200 ms`)
  assert.ok((peakMemoryKib(process.pid) ?? 0) > 10_000)
})

test('a process that is gone has no memory, and its CPU time can’t be read', () => {
  const nobody = 2 ** 30
  assert.equal(peakMemoryKib(nobody), null)
  assert.throws(() => cpuTicks(nobody))
})
