import type { AddressInfo } from 'node:net'
import { startService } from '../../support/service.ts'
import type { StartProxy } from './proxies.ts'

/** The service as it is run: its router, its hooks and its limits stand before the proxy. */
export const wholeService: StartProxy = async (legacyUrl) => {
  const service = await startService({ worker: false, environment: { LEGACY_URL: legacyUrl } })
  try {
    await service.app.listen({ port: 0, host: '127.0.0.1' })
  } catch (error) {
    await service.close()
    throw error
  }
  return { port: (service.app.server.address() as AddressInfo).port, close: service.close }
}
