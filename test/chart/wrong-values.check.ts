import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { template, valueSet } from './support.ts'

// A wrong value names itself, before anything reaches a cluster.

const folder = mkdtempSync(join(tmpdir(), 'wrong-values-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** What Helm says to values that stand on top of the least that is needed. */
function refusal(values: object, set = 'minimal'): string {
  const file = join(folder, 'values.json')
  writeFileSync(file, JSON.stringify(values))
  const { status, stderr } = template(['-f', valueSet(set).file, '-f', file])
  assert.notEqual(status, 0, `accepted: ${JSON.stringify(values)}`)
  return stderr
}

const external = (url: string) => ({ redis: { kind: 'external', external: { url } } })
const resources = (memory: string) => ({ resources: { limits: { memory } } })
const WRONG: [values: object, expected: RegExp, set?: string][] = [
  // What is needed.
  [{ database: { url: '' } }, /database\.url: needed/],
  [{ database: { passwordSecret: { name: '' } } }, /database\.passwordSecret\.name: needed/],
  [{ auth: { issuer: '' } }, /auth\.issuer: needed/],
  [{ auth: { audience: '' } }, /auth\.audience: needed/],
  [{ auth: { jwksUrl: '' } }, /auth\.jwksUrl: needed/],
  // Names that nobody knows, at every depth.
  [{ replicas: 3 }, /'replicas' not allowed/],
  [{ api: { replica: 3 } }, /at '\/api'.*'replica' not allowed/s],
  [
    { redis: { bundled: { persistence: { enable: true } } } },
    /at '\/redis\/bundled\/persistence'.*'enable' not allowed/s,
  ],
  [{ settings: { NEAR_CASH_BYTES: 1 } }, /at '\/settings'.*NEAR_CASH_BYTES/s],
  [{ legacy: { modes: { 'get-users': 'native' } } }, /at '\/legacy\/modes'.*get-users/s],
  [{ networkPolicy: { peers: { mail: [] } } }, /at '\/networkPolicy\/peers'.*'mail' not allowed/s],
  // What the chart sets itself.
  [{ settings: { SHUTDOWN_GRACE_MS: 1 } }, /at '\/settings'.*SHUTDOWN_GRACE_MS/s],
  [{ extraEnv: [{ name: 'REDIS_URL', value: 'redis://x' }] }, /at '\/extraEnv\/0\/name'/],
  [{ extraEnv: [{ name: 'NODE_OPTIONS', value: '-r x' }] }, /at '\/extraEnv\/0\/name'/],
  // Types and forms.
  [{ api: { replicas: 'two' } }, /at '\/api\/replicas': got string, want integer/],
  [{ api: { replicas: 0 } }, /at '\/api\/replicas': minimum/],
  [{ api: { resources: { limits: { cpu: 2 } } } }, /at '\/api\/resources\/limits\/cpu': got number, want string/],
  [{ api: resources('1280M') }, /at '\/api\/resources\/limits\/memory': '1280M' does not match/],
  [{ api: { resources: { limits: { memory: null } } } }, /at '\/api\/resources\/limits': missing property 'memory'/],
  [
    { settings: { KAFKA_CREATE_TOPICS: true } },
    /at '\/settings\/KAFKA_CREATE_TOPICS': value must be one of 'off', 'on'/,
  ],
  [{ image: { tag: 'latest' } }, /at '\/image\/tag'/],
  [{ image: { digest: 'sha256:abc' } }, /at '\/image\/digest'/],
  [{ image: { pullPolicy: 'Sometimes' } }, /at '\/image\/pullPolicy'/],
  [{ redis: { bundled: { image: { tag: '' } } } }, /at '\/redis\/bundled\/image\/tag'/],
  [{ redis: { kind: 'sentinel' } }, /at '\/redis\/kind': value must be one of 'bundled', 'external'/],
  [{ redis: { partitions: 2000 } }, /at '\/redis\/partitions': maximum/],
  [{ redis: { jobs: { kind: 'none' } } }, /at '\/redis\/jobs\/kind'/],
  [{ feed: { kind: 'rabbit' } }, /at '\/feed\/kind'/],
  [{ feed: { events: true, eventsPersonalFields: ['salary'] } }, /at '\/feed\/eventsPersonalFields\/0'/],
  [{ kafka: { brokers: ['k1'] } }, /at '\/kafka\/brokers\/0': 'k1' does not match/],
  [{ database: { url: 'ibmdb://trs:secret@db:9089/people' } }, /at '\/database\/url'/],
  [{ database: { url: 'postgres://trs@db/people' } }, /at '\/database\/url'/],
  [{ database: { schemaJob: 'migrate' } }, /at '\/database\/schemaJob'/],
  [{ auth: { jwksUrl: 'http://sso.example/keys' } }, /at '\/auth\/jwksUrl'/],
  [{ legacy: { url: 'ftp://old' } }, /at '\/legacy\/url'/],
  [{ legacy: { modes: { 'get-user': 'canary' } } }, /at '\/legacy\/modes\/get-user'/],
  [{ legacy: { modes: { 'get-user': { mode: 'canary', percent: 101 } } } }, /at '\/legacy\/modes\/get-user/],
  [{ trustedProxies: ['everybody'] }, /at '\/trustedProxies\/0'/],
  [{ trustedProxies: ['10.0.0.0/0'] }, /at '\/trustedProxies\/0'/],
  [{ service: { type: 'NodePort' } }, /at '\/service\/type'/],
  [{ service: { port: 70_000 } }, /at '\/service\/port': maximum/],
  [{ monitoring: { port: 80 } }, /at '\/monitoring\/port': minimum/],
  [{ monitoring: { port: 8080 } }, /at '\/monitoring\/port': 'not' failed/],
  [{ newRelic: { licenseKeySecret: { name: 'k' }, host: '[::1]' } }, /at '\/newRelic\/host'/],
  [{ fullnameOverride: 'a-name-that-has-some-38-characters-now' }, /at '\/fullnameOverride'/],
  [{ fullnameOverride: 'Users' }, /at '\/fullnameOverride'/],
  [{ networkPolicy: { peers: { api: ['ingress'] } } }, /at '\/networkPolicy\/peers\/api\/0'/],
  [
    { networkPolicy: { peers: { api: [{ ipBlock: { cidr: '10.0.0.0' } }] } } },
    /at '\/networkPolicy\/peers\/api\/0\/ipBlock\/cidr'/,
  ],
  [
    { newRelic: { licenseKeySecret: { name: 'key' } }, openTelemetry: { endpoint: 'http://collector:4318' } },
    /openTelemetry\.endpoint: never beside newRelic/,
  ],
  [{ openTelemetry: { headersSecret: { name: 'headers' } } }, /openTelemetry\.headersSecret: headers are for/],
  [
    { openTelemetry: { endpoint: 'collector:4318' } },
    /at '\/openTelemetry\/endpoint': 'collector:4318' does not match/,
  ],
  [{ newRelic: { licenseKeySecret: 'key' } }, /at '\/newRelic\/licenseKeySecret': got string, want object/],
  // What belongs together.
  [{ redis: { kind: 'external' } }, /redis\.external: one of url and urlSecret\.name is needed/],
  [
    { redis: { kind: 'external', external: { url: 'redis://r:6379', urlSecret: { name: 'r' } } } },
    /redis\.external: one of url and/,
  ],
  [
    { redis: { external: { url: 'redis://r:6379' } } },
    /redis\.external: url and urlSecret are for redis\.kind external, and it is bundled/,
  ],
  [{ redis: { jobs: { kind: 'external' } } }, /redis\.jobs\.external: one of/],
  [external('redis-sentinel://s1:26379'), /redis\.external\.url: redis-sentinel:\/\/.*\/name of the master/],
  [external('redis-sentinel://u:secret@s1:26379/m'), /redis\.external\.url: .*without passwords/],
  [external('redis-sentinel://s1:26379/m?sentinelPassword=x'), /redis\.external\.url: .*without passwords/],
  [{ redis: { bundled: { replicas: 3 } } }, /at '\/redis\/bundled\/replicas': maximum/],
  [
    { redis: { bundled: { replicas: 1 } } },
    /redis\.bundled\.resources\.limits\.ephemeral-storage: with redis\.bundled/,
  ],
  [
    { redis: { bundled: { replicas: 1, persistence: { enabled: true } } } },
    /redis\.bundled\.persistence\.enabled: only with redis\.bundled\.replicas 0/,
  ],
  [external('redis://:secret@r:6379'), /redis\.external\.url: .*without password/],
  [external('http://r:6379'), /redis\.external\.url: redis:\/\/host:port/],
  [{ feed: { kind: 'kafka' } }, /kafka\.brokers: needed with feed\.kind kafka/],
  [{ feed: { events: true } }, /kafka\.brokers: needed .* feed\.events true/],
  [{ kafka: { sasl: 'scram-sha-256', username: '' } }, /kafka\.username: needed with kafka\.sasl scram-sha-256/],
  [{ kafka: { sasl: 'scram-sha-256', username: 'u' } }, /kafka\.passwordSecret\.name: needed/],
  [
    { kafka: { sasl: 'plain', username: 'u', passwordSecret: { name: 'p' } } },
    /kafka\.sasl: plain only with kafka\.tls/,
  ],
  [{ kafka: { caSecret: { name: 'ca' } } }, /kafka\.caSecret\.name: only with kafka\.tls/],
  [{ feed: { eventsPersonalFields: ['email'] } }, /feed\.eventsPersonalFields: only with feed\.events/],
  [{ ingress: { enabled: true }, trustedProxies: ['10.0.0.0/8'] }, /ingress\.hosts: one at least/],
  [{ ingress: { enabled: true, hosts: ['a.example'] } }, /trustedProxies: .* needed with ingress\.enabled/],
  [{ api: { autoscaling: { minReplicas: 9 } } }, /api\.autoscaling\.minReplicas: not more than/],
  [{ projector: { keda: { minReplicas: 9 } } }, /projector\.keda\.minReplicas: not more than/],
  [{ projector: { keda: { enabled: true, trigger: 'kafka' } } }, /projector\.keda\.trigger: kafka only with/],
  [{ projector: { keda: { enabled: true } } }, /projector\.keda\.prometheus\.serverAddress: needed with/],
  [{ api: { shutdown: { drainMs: 20_000 } } }, /api\.shutdown\.graceMs: more than api\.shutdown\.drainMs/],
  [
    { api: { resources: { requests: { memory: '2Gi' } } } },
    /api\.resources\.requests\.memory: not more than api\.resources\.limits\.memory/,
  ],
  [{ relay: { resources: { limits: { cpu: '0.05' } } } }, /relay\.resources\.requests\.cpu: not more than/],
  [{ api: { heapMiB: 1024 } }, /api\.heapMiB: at most 70 %/],
  [{ relay: resources('512Mi') }, /relay\.heapMiB: at most 70 %/],
  [{ redis: { bundled: { maxMemoryMiB: 800 } } }, /redis\.bundled\.maxMemoryMiB: at most half/],
  [{ redis: { jobs: { maxMemoryMiB: 128 } } }, /redis\.jobs\.maxMemoryMiB: at most half/],
]

for (const [values, expected, set] of WRONG) {
  test(`${JSON.stringify(values)}: ${expected.source}`, () => assert.match(refusal(values, set), expected))
}

test('what does not belong together is said all at once', () => {
  const said = refusal({ database: { url: '' }, auth: { issuer: '' }, feed: { kind: 'kafka' } })
  for (const name of ['database.url', 'auth.issuer', 'kafka.brokers']) assert.ok(said.includes(`- ${name}: `), said)
})

test('an older Kubernetes is refused', () => {
  const { status, stderr } = template(['-f', valueSet('minimal').file, '--kube-version', '1.30.9'])
  assert.notEqual(status, 0)
  assert.match(stderr, /incompatible with Kubernetes/)
})
