import { existsSync } from 'node:fs'
import { goTool } from '../../scripts/setup-go-tools.mjs'
import { objectsIn, ROOT, template, valueSet } from '../chart/support.ts'
import { type Probing, type Settings, settingsIn } from './pods.ts'

/** What the chart says now, with a Redis that keeps what it holds. */
export function settingsOfChart(): Settings {
  if (!existsSync(goTool(ROOT, 'helm'))) throw new Error('no helm; `node scripts/setup-go-tools.mjs helm` builds it')
  const { status, stdout, stderr } = template([
    '-f',
    valueSet('minimal').file,
    '--set',
    'redis.bundled.persistence.enabled=true',
  ])
  if (status !== 0) throw new Error(stderr)
  return settingsIn(objectsIn(stdout))
}

const STARTING: Probing = { path: '/health/live', port: 'metrics', periodMs: 100, timeoutMs: 30_000, failures: 600 }
const WORKER = {
  ...{ preStopMs: 0, terminationMs: 30_000, startup: STARTING, readiness: null, surge: 1, unavailable: 0 },
  environment: { SHUTDOWN_GRACE_MS: '20000' },
}
/** Of the same form, with all times short, for a test; what is waited for has long enough on a machine that is late. */
export const SHORT: Settings = {
  api: {
    ...WORKER,
    preStopMs: 600,
    startup: { ...STARTING, port: 'http' },
    readiness: { path: '/health/ready', port: 'http', periodMs: 100, timeoutMs: 30_000, failures: 2 },
    environment: { SHUTDOWN_DRAIN_MS: '500', SHUTDOWN_GRACE_MS: '20000' },
  },
  projector: WORKER,
  jobs: WORKER,
  redis: { terminationMs: 15_000, settings: { '--save': '', '--appendonly': 'yes' } },
}
