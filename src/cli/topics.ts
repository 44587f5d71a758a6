import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { checkTopics, makeTopics } from '../wiring-kafka.ts'
import { createServiceLog } from '../wiring-log.ts'

export function topicsCommand(): Command {
  const topics = new Command('topics').description(
    'The topics that changes and events travel over: look at them, make them',
  )
  topics
    .command('check')
    .description('Compare them with what is needed, changing nothing; ends with 1 when they cannot serve')
    .action(async () => {
      const config = readConfig()
      const findings = await checkTopics(config, createServiceLog(quietly(config)))
      for (const { grade, what } of findings) process.stdout.write(`${grade}: ${what}\n`)
      const refusals = findings.filter(({ grade }) => grade === 'refusal').length
      process.stdout.write(refusals === 0 ? 'these topics can serve\n' : `${refusals} to be mended first\n`)
      if (refusals > 0) process.exitCode = 1
    })
  topics
    .command('apply')
    .description('Make those that are missing; none that exists is altered')
    .action(async () => {
      const config = readConfig()
      const made = await makeTopics(config, createServiceLog(quietly(config)))
      for (const topic of made) process.stdout.write(`made ${topic}\n`)
      if (made.length === 0) process.stdout.write('nothing is missing\n')
    })
  return topics
}

const quietly = (config: ReturnType<typeof readConfig>) => ({
  ...config,
  log: { ...config.log, level: 'warn' as const },
})
