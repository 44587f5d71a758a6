import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeMachine } from '../machine.ts'
import { onStack } from '../on-stack.ts'
import { choosePeople } from '../people.ts'
import { ROOT } from '../processes.ts'
import { seedData, setStage } from '../stage.ts'
import { contest } from './contest.ts'
import { chosen, type Options, readOptions } from './options.ts'
import { failures, type Results, report } from './report.ts'
import { measureSizes } from './sizes.ts'
import { buildGo, installDjango, type Tool } from './tools.ts'

const PAGE = join(ROOT, 'docs', 'performance-opponents.md')

async function run(options: Options, stack: AsyncDisposableStack): Promise<Results> {
  const say = (doing: string) => void process.stderr.write(`${doing}\n`)
  const names = chosen(options)
  const tools = prepareTools(names, say)
  const stage = await setStage(stack, say)
  const data = await seedData(stage, options.users)
  const people = choosePeople(data).hot
  const { rounds, seconds, sizes } = options
  const results: Results = {
    command: ['node bench/opponents/run.ts', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(stage.server.port),
    software: Object.values(tools).flatMap((tool) => ('software' in tool ? [tool.software] : [])),
    users: data.users,
    hotUsers: people.length,
    rounds,
    seconds,
    ...(await contest({ stage, data, people, names, tools, rounds, seconds })),
  }
  if (sizes) results.sizes = await measureSizes({ stage, sizes, rounds, seconds })
  return results
}

function prepareTools(names: string[], say: (doing: string) => void): { go: Tool; django: Tool } {
  const where = { toolsDir: join(ROOT, '.tools'), env: process.env }
  const prepare = (prefix: string, what: string, make: (given: typeof where) => Tool): Tool => {
    if (!names.some((name) => name.startsWith(prefix))) return { missing: 'not asked for' }
    say(what)
    return make(where)
  }
  return {
    go: prepare('echo-', 'building the Go opponents', buildGo),
    django: prepare('django-', 'installing Django and its packages, unless they are there', installDjango),
  }
}

const options = readOptions(process.argv)
await onStack(async (stack) => {
  const results = await run(options, stack)
  const page = report(results)
  const fine = failures(results).length === 0
  process.stdout.write(page)
  // A run that was broken off has failures, too: what was written before stays.
  if (options.write && fine) await writeFile(PAGE, page)
  return fine
})
