import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { wholeBetween } from '../src/cli/arguments.ts'
import { describeMachine } from './machine.ts'
import { onStack } from './on-stack.ts'
import { between } from './options.ts'
import { ROOT } from './processes.ts'
import { seedData, setStage, startService, stopService } from './stage.ts'
import { measureTracing } from './tracing/measure.ts'
import { BEGIN, END, section } from './tracing/report.ts'

// What it costs to be watched by an agent, and what it costs when there is none.

const PAGE = join(ROOT, 'docs', 'tracing.md')
const USERS = 20_000
const MAX_SECONDS = 60
const MAX_ROUNDS = 50

type Options = { seconds: number; rounds: number; write?: true }
const { seconds, rounds, write } = new Command('node bench/tracing.ts')
  .description('Measure what agents cost on this machine, and print a section of docs/tracing.md')
  .option('--seconds <number>', 'how long each case is measured in a round', between(0.2, MAX_SECONDS), 1.5)
  .option('--rounds <number>', 'how often each case is measured', wholeBetween(1, MAX_ROUNDS), 5)
  .option('--write', 'write it there, too')
  .parse(process.argv)
  .opts<Options>()

await onStack(async (stack) => {
  const stage = await setStage(stack, (doing) => void process.stderr.write(`${doing}\n`))
  const data = await seedData(stage, USERS)
  const service = await startService(stage, data)
  const measured = await measureTracing({ stage, data, service, rounds, seconds })
  const text = section({
    command: ['node bench/tracing.ts', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(stage.server.port),
    ...{ rounds, seconds, measured },
  })
  process.stdout.write(`${text}\n`)
  await stopService(service)
  if (write) {
    const page = await readFile(PAGE, 'utf8')
    const [before = '', after = ''] = [page.split(BEGIN)[0], page.split(END)[1]]
    await writeFile(PAGE, `${before}${text}${after}`)
  }
  return true
})
