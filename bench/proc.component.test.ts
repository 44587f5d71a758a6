import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { clockTicksPerSecond, peakMemoryKib, peakOfStatus, readStat, treeCpuTicks } from './proc.ts'

/** From proc(5): 52 fields. Parent 77, times 1234, 567, 89 and 10; the fields beside them would be noticed. */
const stat = (name: string) =>
  `4242 (${name}) S 77 4242 4242 0 -1 4194560 90001 90002 90003 90004 1234 567 89 10 20 0 11 0 12345 1 2 3`

test('CPU time is user and system time, also that of ended children, whatever the process is called', () => {
  for (const name of ['node', 'redis-server *:6379', 'tmux: server (1)', 'a) S 1 2 3 (b', '']) {
    assert.deepEqual(readStat(stat(name)), { parent: 77, ticks: 1_900 }, name)
  }
})

test('what is no stat is refused, and not counted as nothing', () => {
  for (const text of ['', '4242 (node) S 1 2', 'nonsense']) assert.throws(() => readStat(text))
})

test('peak memory is the high-water mark, not what is held now', () => {
  const status = 'Name:\tnode\nVmPeak:\t 9000000 kB\nVmSize:\t 8000000 kB\nVmHWM:\t  123456 kB\nVmRSS:\t   99999 kB\n'
  assert.equal(peakOfStatus(status), 123_456)
  assert.equal(peakOfStatus('Name:\tnode\nState:\tZ (zombie)\n'), null)
})

const TICKS_PER_SECOND = clockTicksPerSecond()
const cpuMs = (pid: number) => (treeCpuTicks(pid) * 1_000) / TICKS_PER_SECOND

test('this process has used CPU time and memory, and work adds to it', () => {
  const beforeMs = cpuMs(process.pid)
  const usage = process.cpuUsage()
  const usedUs = () => process.cpuUsage(usage).user + process.cpuUsage(usage).system
  while (usedUs() < 200_000) Math.sqrt(2)
  const usedMs = cpuMs(process.pid) - beforeMs
  assert.ok(usedMs >= 180 && usedMs < 2_000, `${usedMs} ms for 200 ms`)
  assert.ok((peakMemoryKib(process.pid) ?? 0) > 10_000)
})

test('what a process’s children and theirs use counts as its own, while they live and when they have ended', async (t) => {
  const burn = `const used = () => process.cpuUsage().user + process.cpuUsage().system
    while (used() < 200_000) Math.sqrt(2)
    console.log('burnt')
    process.stdin.resume()`
  // A shell that starts a shell that starts a Node. Node ends with its standard input, the first shell with the other pipe.
  const inner = '"$1" -e "$2"; true'
  const outer = 'sh -c "$0" sh "$1" "$2"; echo ended; read -r _ <&3'
  const args = ['-c', outer, inner, process.execPath, burn]
  const shell = spawn('/bin/sh', args, { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] })
  t.after(() => shell.kill('SIGKILL'))
  assert.ok(shell.stdin && shell.stdout)
  const lines = createInterface(shell.stdout)[Symbol.asyncIterator]()
  const pid = Number(shell.pid)

  assert.equal((await lines.next()).value, 'burnt')
  const whileTheyLiveMs = cpuMs(pid)
  assert.ok(whileTheyLiveMs >= 180, `${whileTheyLiveMs} ms while they live`)

  shell.stdin.end()
  assert.equal((await lines.next()).value, 'ended')
  const afterwardsMs = cpuMs(pid)
  assert.ok(afterwardsMs >= whileTheyLiveMs, `${afterwardsMs} ms afterwards`)

  const ended = once(shell, 'exit')
  shell.stdio[3]?.destroy()
  await ended
})

test('a process that is gone has no memory, and its CPU time can’t be read', () => {
  const nobody = 2 ** 30
  assert.equal(peakMemoryKib(nobody), null)
  assert.throws(() => treeCpuTicks(nobody))
})
