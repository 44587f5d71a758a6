// Runs scripts/pact/verify.ts on a build of this service with a fault in it: the first argument is the fault, as JSON.
import { importWith } from '../../support/plant.ts'

const [fault = ''] = process.argv.splice(2, 1)
await importWith(JSON.parse(fault), 'scripts/pact/verify.ts', /\/(?:src|test)\/.*\.ts$/)
