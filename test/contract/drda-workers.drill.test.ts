import { describe } from 'node:test'
import { drdaMissing } from '../support/drda/server.ts'
import { contractsOfWorkers } from './all.ts'
import { drdaRig, withDrdaServer } from './drda.ts'

// IBM's driver, over a real socket, before a real DRDA server. In four files, which run beside one another.
describe('workers over DRDA', { skip: drdaMissing() ?? false }, () => contractsOfWorkers(drdaRig(withDrdaServer())))
