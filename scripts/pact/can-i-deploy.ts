// Whether this version keeps what those in an environment rely on, and they what it relies on: `npm run pact:can-i-deploy`.
import { broker, brokerCli, environment, program, US, version } from './broker.ts'

await program(() =>
  brokerCli(broker(), ['can-i-deploy', '--pacticipant', US, '--version', version(), '--to-environment', environment()]),
)
