import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { wireApi } from '../../src/wiring.ts'
import { createServiceLog } from '../../src/wiring-log.ts'

/** `on`: as `users-service serve`. `off`: the hot read is answered to whoever asks, without a look, and not counted. */
export type Admission = 'on' | 'off'
/** `settings`: as in the environment of `users-service serve`. One listener for each of `admissions`, on any port. */
export type ServerOrder = { settings: NodeJS.ProcessEnv; admissions: Admission[] }
export type Ports = { ports: number[] }

const ANYBODY = { personal: true, head: [] }

// One process, so that all listeners have the same compiled code, heap and near cache: two processes of the same program
// differ by more than what is to be measured here.
const [{ settings, admissions }] = (await once(process, 'message')) as [ServerOrder]
const config = readConfig(settings)
const log = createServiceLog(config)
const api = await wireApi(config, log)
const ports: number[] = []
for (const admission of admissions) {
  const hot = admission === 'on' ? api.hot : { ...api.hot, admit: () => ANYBODY }
  const app = await buildApp({ ...api, hot, http: config.http, log })
  await app.listen({ host: config.http.host, port: 0 })
  ports.push((app.server.address() as AddressInfo).port)
}
process.once('SIGTERM', () => process.exit())
process.send?.({ ports } satisfies Ports)
