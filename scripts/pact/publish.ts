// Publishes what we consume, of this version and branch: `npm run pact:publish`.
import { branch, broker, brokerCli, OUR_PACTS, program, version } from './broker.ts'

await program(() =>
  brokerCli(broker(), ['publish', OUR_PACTS, '--consumer-app-version', version(), '--branch', branch()]),
)
