// `npm run pact:can-i-deploy`
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { z } from 'zod'
import { answerOf, broker, brokerCli, environment, program, SERVICE, version, whole } from './broker.ts'

/** Nobody behind it has Pact, so nobody will ever say that they keep our contract with it. */
const NOT_IN_PACT = ['debezium']
/** Those whom a webhook has asked to verify what we have just published may take ten minutes. */
const RETRIES = 30
const RETRY_INTERVAL_S = 20
const MAX_RETRIES = 180
const MAX_RETRY_INTERVAL_S = 60

/** `deployable` is null while a result is not there yet; then `reason` says which, a line each. */
const SUMMARY = z.object({ deployable: z.boolean().nullable(), reason: z.string() })
const ANSWER = z.object({ summary: SUMMARY })

const command = new Command('pact:can-i-deploy').description(
  'Whether this version keeps what those in an environment rely on, and they what it relies on.',
)

await program(command, async () => {
  const question = ['can-i-deploy', '--pacticipant', SERVICE, '--version', version(), '--to-environment', environment()]
  question.push(...ignored())
  const retries = whole('PACT_RETRIES_WHILE_UNKNOWN', RETRIES, MAX_RETRIES)
  const intervalS = whole('PACT_RETRY_INTERVAL_S', RETRY_INTERVAL_S, MAX_RETRY_INTERVAL_S)
  const failure = await waited(question, retries, intervalS)
  // The last word is the command line's own, with its table.
  if (failure === undefined) return brokerCli(broker(), question)
  process.stderr.write(`The broker does not say whether this may be deployed, and is not asked again: ${failure}\n`)
  return 1
})

/**
 * Ends when all results are there, or `retries` are over; answers why where the broker cannot be asked. The command line
 * waits by itself too, and takes a broker that is down or refuses us for one that does not know yet.
 */
async function waited(question: string[], retries: number, intervalS: number): Promise<string | undefined> {
  let told = ''
  for (let left = retries; left > 0; left -= 1) {
    const asked = summaryOf(question)
    if ('failure' in asked) return asked.failure
    if (asked.deployable !== null) return undefined
    if (asked.reason !== told) process.stdout.write(`${asked.reason}\nAsks every ${intervalS} s, ${left} times more.\n`)
    told = asked.reason
    await delay(intervalS * 1000)
  }
  return undefined
}

function summaryOf(question: string[]): z.infer<typeof SUMMARY> | { failure: string } {
  const asked = answerOf(broker(), [...question, '--output', 'json'])
  if ('failure' in asked) return asked
  try {
    return ANSWER.parse(JSON.parse(asked.answer)).summary
  } catch {
    return { failure: 'it does not answer as a Pact broker does' }
  }
}

/** The command line says that it heeds this setting itself, and does not. */
function ignored(): string[] {
  const given = process.env.PACT_BROKER_CAN_I_DEPLOY_IGNORE
  const names = given === undefined ? NOT_IN_PACT : given.split(',').map((name) => name.trim())
  return names.filter((name) => name !== '').flatMap((name) => ['--ignore', name])
}
