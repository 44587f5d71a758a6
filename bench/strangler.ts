import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeMachine } from './machine.ts'
import { onStack } from './on-stack.ts'
import { ROOT } from './processes.ts'
import { measureCosts } from './strangler/cost.ts'
import { measureFaults } from './strangler/faults.ts'
import { measureMemory } from './strangler/memory.ts'
import { type Part, readOptions } from './strangler/options.ts'
import { RATE_PER_SECOND } from './strangler/pace.ts'
import { failures, type Results, report } from './strangler/report.ts'
import { setRig } from './strangler/rig.ts'
import { measureShadow } from './strangler/shadow.ts'

// What it costs to stand before a legacy application, and what becomes of the service while that one is ill. Every process
// is one of its own: the service, its worker, the legacy application, other proxies; generator threads are in this one.

const PAGE = join(ROOT, 'docs', 'performance-strangler.md')
const MIB = 1_048_576
/** In a shorter run the phases with faults are shorter by as much. */
const USUAL_SECONDS = 1.5

const options = readOptions(process.argv)
const startedAtMs = performance.now()
const say = (doing: string) =>
  void process.stderr.write(`${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s  ${doing}\n`)
await onStack(async (stack) => {
  const rig = await setRig(stack, say)
  const { seconds, rounds, only } = options
  const pace = { seconds, rounds, ratePerSecond: RATE_PER_SECOND }
  const wants = (part: Part) => only === undefined || only === part
  const results: Results = {
    command: ['node bench/strangler.ts', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(rig.stage.server.port),
    httpProxy: await versionOf('@fastify/http-proxy'),
    pace,
  }
  if (wants('memory')) results.memory = await measureMemory(rig, options.mib * MIB)
  if (wants('cost')) results.costs = await measureCosts(rig, pace)
  if (wants('shadow')) results.shadow = await measureShadow(rig, pace)
  if (wants('faults')) results.faults = await measureFaults(rig, Math.max(1, USUAL_SECONDS / seconds))
  const page = report(results)
  process.stdout.write(page)
  const wrong = failures(results)
  for (const what of wrong) say(what)
  if (options.write && wrong.length === 0) await writeFile(PAGE, page)
  say('done')
  return wrong.length === 0
})

async function versionOf(name: string): Promise<string> {
  const text = await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
