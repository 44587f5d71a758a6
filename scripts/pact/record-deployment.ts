// `npm run pact:record-deployment`
import { Command } from 'commander'
import { broker, brokerCli, environment, program, SERVICE, version } from './broker.ts'

const command = new Command('pact:record-deployment').description(
  'Tells the broker that this version is in an environment now.',
)

await program(command, () => {
  const said = ['--pacticipant', SERVICE, '--version', version(), '--environment', environment()]
  return brokerCli(broker(), ['record-deployment', ...said])
})
