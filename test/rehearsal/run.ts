import { describeHost } from '../../bench/machine.ts'
import { numberFrom, play } from '../support/on-demand.ts'
import { type Fault, PARTS, ROLLED, rehearse } from './rehearsal.ts'
import { rehearsalReport } from './report.ts'
import { settingsOfChart } from './settings.ts'

/** Endpoints reach every node's kube-proxy, an ingress or a client's own load balancer so late: assumed, not measured. */
const PROPAGATION = { leastMs: 0, mostMs: 2_000 }
const USERS = 3_000
const ANSWER_LIMIT_MS = 5_000
const CALM_MS = 4_000
const FAULTS: (string | undefined)[] = ['', 'no-grace', 'readiness-ignored'] satisfies (Fault | '')[]

const rate = numberFrom('REHEARSAL_RATE', 200, 10, 1_000)
const seed = numberFrom('REHEARSAL_SEED', Date.now() % 1_000_000, 0, 2 ** 31)
const { REHEARSAL_ONLY: only = '', REHEARSAL_FAULT: planted = '' } = process.env
const parts = PARTS.filter((part) => part.includes(only))
if (!FAULTS.includes(planted)) throw new Error('REHEARSAL_FAULT must be no-grace or readiness-ignored')
const fault = planted === '' ? null : (planted as Fault)

await play(`${rate} requests/s, seed ${seed}: ${parts.join(', ')}`, async (stack, say) => {
  const settings = settingsOfChart()
  const load = { users: USERS, rate, seed, limitMs: ANSWER_LIMIT_MS, calmMs: CALM_MS }
  const result = await rehearse(
    { settings, propagation: PROPAGATION, ...load, parts, rolled: [...ROLLED], nodes: 3, fault, say },
    stack,
  )
  process.stdout.write(rehearsalReport({ ...result, rate, seed, users: USERS, settings, host: describeHost() }))
  return result.faults
})
