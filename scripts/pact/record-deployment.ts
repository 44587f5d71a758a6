// Tells the broker that this version is in an environment now: `npm run pact:record-deployment`.
import { broker, brokerCli, environment, program, US, version } from './broker.ts'

await program(() =>
  brokerCli(broker(), [
    'record-deployment',
    '--pacticipant',
    US,
    '--version',
    version(),
    '--environment',
    environment(),
  ]),
)
