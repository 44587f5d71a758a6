// `npm run pact:can-i-deploy`
import { Command } from 'commander'
import { broker, brokerCli, environment, program, US, version, whole } from './broker.ts'

/** Nobody behind it has Pact, so nobody will ever say that they keep our contract with it. */
const NOT_IN_PACT = ['debezium']
/** Those whom a webhook has asked to verify what we have just published may take ten minutes. */
const RETRIES = 30
const RETRY_INTERVAL_S = 20
const MAX_RETRIES = 180
const MAX_RETRY_INTERVAL_S = 60

const command = new Command('pact:can-i-deploy').description(
  'Whether this version keeps what those in an environment rely on, and they what it relies on.',
)

await program(command, () => {
  const said = ['--pacticipant', US, '--version', version(), '--to-environment', environment()]
  const retries = whole('PACT_RETRIES_WHILE_UNKNOWN', RETRIES, MAX_RETRIES)
  const intervalS = whole('PACT_RETRY_INTERVAL_S', RETRY_INTERVAL_S, MAX_RETRY_INTERVAL_S)
  const patience = ['--retry-while-unknown', String(retries), '--retry-interval', String(intervalS)]
  return brokerCli(broker(), ['can-i-deploy', ...said, ...patience, ...ignored()])
})

/** The command line says that it heeds this setting itself, and does not. */
function ignored(): string[] {
  const given = process.env.PACT_BROKER_CAN_I_DEPLOY_IGNORE
  const names = given === undefined ? NOT_IN_PACT : given.split(',').map((name) => name.trim())
  return names.filter((name) => name !== '').flatMap((name) => ['--ignore', name])
}
