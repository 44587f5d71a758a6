import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeMachine } from './machine.ts'
import { onStack } from './on-stack.ts'
import { ROOT } from './processes.ts'
import { type Measured, measurer } from './resilience/measure.ts'
import { casesWith, readOptions } from './resilience/options.ts'
import { failures, report, withMeasured } from './resilience/report.ts'
import { setRig } from './resilience/rig.ts'

// Profiles at a constant rate while the other services misbehave in every way they can, and the hot GET beside it. Every
// process is one of its own: the service, its worker, the two neighbours; generator threads are in this one.

const PAGE = join(ROOT, 'docs', 'resilience.md')
const WARM_UP_MS = 15_000

const options = readOptions(process.argv)
const startedAtMs = performance.now()
const say = (doing: string) =>
  void process.stderr.write(`${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s  ${doing}\n`)
await onStack(async (stack) => {
  const cases = casesWith(options.only)
  const rig = await setRig(stack, options.rate, say)
  const measuring = measurer(rig, options)
  say('warming up')
  await measuring.warmUp(WARM_UP_MS)
  const measured: Measured[] = []
  for (const one of cases) {
    say(one.name)
    measured.push(await measuring.measure(one))
  }
  const text = report({
    command: ['node bench/resilience.ts', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(rig.stage.server.port),
    pace: options,
    measured,
  })
  process.stdout.write(text)
  if (options.write) await writeFile(PAGE, withMeasured(await readFile(PAGE, 'utf8'), text))
  const wrong = failures(measured)
  for (const what of wrong) say(what)
  say('done')
  return wrong.length === 0
})
