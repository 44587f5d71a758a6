import { after, before, describe } from 'node:test'
import { type DrdaServer, drdaMissing, startDrdaServer } from '../support/drda/server.ts'
import { everyContract } from './all.ts'
import { drdaRig } from './drda.ts'

const missing = drdaMissing()

// IBM's driver, over a real socket, before a real DRDA server.
describe('over DRDA', { skip: missing ?? false }, () => {
  let server: DrdaServer | undefined
  before(async () => {
    server = await startDrdaServer()
  })
  after(() => server?.stop())
  everyContract(
    drdaRig(() => {
      if (!server) throw new Error('the DRDA server does not run')
      return server
    }),
  )
})
