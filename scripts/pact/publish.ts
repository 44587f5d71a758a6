// `npm run pact:publish`
import { Command } from 'commander'
import { branch, broker, brokerCli, OUR_PACTS, program, version } from './broker.ts'

const command = new Command('pact:publish').description('Publishes what we consume, of this version and branch.')

await program(command, () =>
  brokerCli(broker(), ['publish', OUR_PACTS, '--consumer-app-version', version(), '--branch', branch()]),
)
