import { describe } from 'node:test'
import { drdaMissing } from '../support/drda/server.ts'
import { contractsOfAudit } from './all.ts'
import { drdaRig, withDrdaServer } from './drda.ts'

// IBM's driver, over a real socket, before a real DRDA server. In four files, which run beside one another.
describe('audit over DRDA', { skip: drdaMissing() ?? false }, () => contractsOfAudit(drdaRig(withDrdaServer())))
