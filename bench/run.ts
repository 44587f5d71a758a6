import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureAuthentication } from './authentication/measure.ts'
import { startBare } from './bare.ts'
import { CASES, type CaseName, makeCases } from './cases.ts'
import { measureCrowds } from './crowd.ts'
import { measureFlushes } from './flush.ts'
import { describeMachine } from './machine.ts'
import { onStack } from './on-stack.ts'
import { type Options, type Part, readOptions } from './options.ts'
import { choosePeople, learnHot, type People } from './people.ts'
import { ROOT } from './processes.ts'
import { measureRebuild, type Rebuilt } from './rebuild.ts'
import { failures, type Results, report } from './report.ts'
import { type Measurements, measureRounds } from './rounds.ts'
import { type Data, type Service, type Stage, seedData, setStage, startService, stopService } from './stage.ts'
import { measureVisibility } from './visibility.ts'

const PAGE = join(ROOT, 'docs', 'performance.md')
const MILLION = 1_000_000

async function run(options: Options, stack: AsyncDisposableStack): Promise<Results> {
  const stage = await setStage(stack, (doing) => void process.stderr.write(`${doing}\n`))
  const wants = (part: Part) => options.only === undefined || options.only === part
  const data = await seedData(stage, options.users)
  const people = choosePeople(data)
  const results: Results = {
    command: ['node bench/run.ts', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(stage.server.port),
    users: data.users,
    hotUsers: people.hot.length,
    rounds: options.rounds,
    seconds: options.seconds,
    measurements: {},
  }
  if (options.only !== 'rebuild') {
    const service = await startService(stage, data)
    results.measurements = await requests(options, stage, data, service, people)
    if (wants('authentication')) results.authentication = await authentication(options, stage, data, service, people)
    if (wants('visibility')) results.visibility = await measureVisibility(stage, data, service, people)
    if (wants('crowd')) results.crowds = await measureCrowds(stage, data, service, people)
    if (wants('flush')) results.flushes = await measureFlushes(stage, data, service, people)
    await stopService(service)
  }
  if (wants('rebuild')) results.rebuilds = await rebuilds(options, stage, data)
  return results
}

async function requests(
  { only, rounds, seconds }: Options,
  stage: Stage,
  data: Data,
  service: Service,
  people: People,
) {
  const wanted = (name: CaseName) => only === undefined || only === name || name === 'bare'
  if (only !== undefined && !(only in CASES)) return {} satisfies Measurements
  const hot = await learnHot({ port: service.withoutNear.port, headers: data.credentials }, people.hot)
  const bare = await startBare(stage, hot)
  const all = await makeCases({ data, service, bare, people, hot, redis: stage.redis })
  const cases = all.filter(({ name }) => wanted(name))
  const measurements = await measureRounds({ cases, rounds, seconds, stage, data, workerPid: service.work.pid })
  await bare.running.stop()
  return measurements
}

async function authentication(
  { rounds, seconds }: Options,
  stage: Stage,
  data: Data,
  service: Service,
  people: People,
) {
  const hot = await learnHot({ port: service.withoutNear.port, headers: data.credentials }, people.hot)
  return measureAuthentication({ stage, data, hot, workerPid: service.work.pid, rounds, seconds })
}

async function rebuilds({ million }: Options, stage: Stage, data: Data): Promise<Rebuilt[]> {
  const rebuilt = [await measureRebuild(stage, data)]
  if (million) rebuilt.push(await measureRebuild(stage, await seedData(stage, MILLION)))
  return rebuilt
}

const options = readOptions(process.argv)
await onStack(async (stack) => {
  const results = await run(options, stack)
  const page = report(results)
  process.stdout.write(page)
  if (options.write) await writeFile(PAGE, page)
  return failures(results).length === 0
})
