import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Who may come in, where a broker lets nobody in without a password. */
export type Credentials = { username: string; password: string }
export type Keystore = { file: string; password: string }
export type Node = {
  dir: string
  port: number
  /** Where the node talks to itself about its metadata. Any free port will do, at each start another. */
  controllerPort: number
  secured: (Credentials & { keystore: Keystore }) | null
  /** They win over ours. */
  settings: Record<string, string>
}

export const dataFolder = (dir: string) => join(dir, 'data')
export const settingsFile = (dir: string) => join(dir, 'server.properties')

/** They stand bare in a JAAS line and in an option of the format command, which have rules of quoting of their own. */
const PLAIN = /^[A-Za-z0-9._-]{1,64}$/

export function checkCredentials({ username, password }: Credentials): void {
  if (PLAIN.test(username) && PLAIN.test(password)) return
  throw new Error('The name and the password of a Kafka broker of ours are 1 to 64 letters, digits, dots and dashes')
}

/** Readable by nobody else: passwords are in it. */
export function writeSettings(node: Node): void {
  const lines = Object.entries({ ...settingsOf(node), ...node.settings }).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(settingsFile(node.dir), lines.join(''), { mode: 0o600 })
}

/** One node that is broker and controller, for one small machine. */
function settingsOf({ dir, port, controllerPort, secured }: Node): Record<string, string> {
  const listener = secured ? 'SASL_SSL' : 'PLAINTEXT'
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    // Named here and not in the data: so the port may be another one at the next start.
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `${listener}://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': `${listener}:${listener},CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': listener,
    'log.dirs': dataFolder(dir),
    'auto.create.topics.enable': 'false',
    // After a SIGKILL the controller waits for the end of the dead broker's session before it lets the next one in.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // Every half a second, by default, it writes that nothing has happened, and carries it out: half of what it does at rest.
    'metadata.max.idle.interval.ms': '5000',
    'group.initial.rebalance.delay.ms': '0',
    'num.partitions': '1',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '2',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '2',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // 128 MB by default, half of the heap.
    'log.cleaner.dedupe.buffer.size': String(8 * 1024 * 1024),
    ...(secured && securityOf(secured)),
  }
}

function securityOf({ username, password, keystore }: Credentials & { keystore: Keystore }): Record<string, string> {
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule'
  return {
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    // The broker is a client of its own, too: of its transactions' partitions, for example.
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${login} required username="${username}" password="${password}";`,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keystore.file,
    'ssl.keystore.password': keystore.password,
    // A certificate that signed itself is its own authority.
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.location': keystore.file,
    'ssl.truststore.password': keystore.password,
  }
}
