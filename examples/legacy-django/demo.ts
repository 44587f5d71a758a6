import { onStack } from '../../bench/on-stack.ts'
import { cpuMeter, failuresOf, milliseconds, requestsOf, table } from './demo/figures.ts'
import { oldClients } from './demo/requests.ts'
import { setStage } from './demo/stage.ts'
import { chapters } from './demo/story.ts'
import { addTallies, startTraffic, type Tallies } from './demo/traffic.ts'

const USERS = 2_000
const SEED = 7

const say = (line = '') => void process.stdout.write(`${line}\n`)

await onStack(async (stack) => {
  say(
    `Starting a Django application over a database of ${USERS} made-up people, and the service in front of it (seed ${SEED}) …`,
  )
  const stage = await setStage(stack, { users: USERS })
  say(`The legacy application is at ${stage.django.url}; its clients now talk to the service at ${stage.url}.`)
  const traffic = startTraffic(stage.url, oldClients({ users: USERS, seed: SEED, shown: stage.clients }))
  stack.defer(traffic.stop)
  const all: Tallies = new Map()
  const cpu = { legacy: cpuMeter(stage.django.pid), service: cpuMeter(stage.service.pid) }
  const costs: string[] = []
  let isFine = true
  for (const { title, tell, run } of chapters({ stage, say: (line) => say(`   ${line}`) })) {
    say()
    say(title)
    for (const line of tell) say(`   ${line}`)
    const begunMs = performance.now()
    const fine = await run()
    isFine &&= fine
    if (!fine) say('   This is not as it should be.')
    const tallies = traffic.take()
    addTallies(all, tallies)
    const seconds = (performance.now() - begunMs) / 1_000
    const requests = requestsOf(tallies)
    const each = (ms: number) => `${(ms / requests).toFixed(2)} ms`
    const spent = `CPU a request: legacy ${each(cpu.legacy())}, service ${each(cpu.service())}`
    const half = `half of all within ${milliseconds(tallies, 50, ['legacy', 'native'])} ms`
    say(`   ${seconds.toFixed(0)} s, ${requests} requests, ${failuresOf(tallies)} failed; ${half}. ${spent}.`)
    costs.push(spent)
  }
  await traffic.stop()
  addTallies(all, traffic.take())
  say()
  say(`In all ${requestsOf(all)} requests, ${failuresOf(all)} failed, ${traffic.leftOut()} left out:`)
  for (const line of table(all)) say(`   ${line}`)
  say(`   ${costs[0]} at first; ${costs.at(-1)} at last.`)
  for (const failure of traffic.failures()) say(`   failed: ${failure}`)
  return isFine && failuresOf(all) === 0 && traffic.leftOut() === 0
})
