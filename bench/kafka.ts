import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureBursts } from './kafka/bursts.ts'
import { measureCoalescing } from './kafka/coalescing.ts'
import { type Options, type Part, readOptions } from './kafka/options.ts'
import { type Results, report } from './kafka/report.ts'
import { type Rig, type Side, setRig } from './kafka/rig.ts'
import { withWorkers } from './kafka/settled.ts'
import { measureVisible } from './kafka/visible.ts'
import { describeMachine } from './machine.ts'
import { onStack } from './on-stack.ts'
import { scattered } from './people.ts'
import { ROOT } from './processes.ts'

// Changes over Kafka beside changes out of the database: bursts, many changes of one user, single writes. Every worker
// is a process of the service's own; broker, Redis and database are real.

const PAGE = join(ROOT, 'docs', 'performance-kafka.md')

async function run(options: Options, rig: Rig): Promise<Results> {
  const { direct, kafka, stage } = rig
  const rows = direct.data.query<{ user_id: number }>('SELECT user_id FROM users ORDER BY user_id')
  const userIds = scattered(rows.map(({ user_id }) => user_id))
  const results: Results = {
    command: ['node bench/kafka.ts', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(stage.server.port),
    users: direct.data.users,
    bursts: [],
    coalescing: [],
    visibility: [],
  }
  const isBurstOnly = options.only === 'bursts'
  for (let round = 1; !isBurstOnly && round <= options.rounds; round += 1) {
    const seen = { direct: await measureFew(options, rig, direct, userIds, round) }
    const both = { ...seen, kafka: await measureFew(options, rig, kafka, userIds, round) }
    if (both.direct.visible && both.kafka.visible)
      results.visibility.push({ direct: both.direct.visible, kafka: both.kafka.visible })
    if (both.direct.coalesced && both.kafka.coalesced)
      results.coalescing.push({ direct: both.direct.coalesced, kafka: both.kafka.coalesced })
  }
  const burstRounds = options.only === undefined || isBurstOnly ? options.burstRounds : 0
  for (let round = 1; round <= burstRounds; round += 1) results.bursts.push(await measureBursts(rig, round))
  return results
}

/** Changes of few users, with the same workers; null: not wanted. */
function measureFew({ only, writes }: Options, rig: Rig, side: Side, userIds: number[], round: number) {
  const wants = (part: Part) => only === undefined || only === part
  return withWorkers(rig, side, async (workers) => ({
    visible: wants('visibility') ? await measureVisible(rig, side, userIds.slice(0, writes), round) : null,
    coalesced: wants('coalescing') ? await measureCoalescing(rig, side, workers, userIds.at(-round) ?? 1) : null,
  }))
}

const options = readOptions(process.argv)
const startedAtMs = performance.now()
const say = (doing: string) =>
  void process.stderr.write(`${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s  ${doing}\n`)
await onStack(async (stack) => {
  const page = report(await run(options, await setRig(stack, options.users, say)))
  process.stdout.write(page)
  if (options.write) await writeFile(PAGE, page)
  say('done')
  return true
})
