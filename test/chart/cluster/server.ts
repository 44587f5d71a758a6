import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { guardAgainstOurEnd } from '../../../scripts/guard-against-our-end.ts'
import { clusterFolder } from '../../../scripts/setup-cluster.mjs'
import { freePort } from '../../../src/adapters/redis/free-port.ts'
import { ROOT } from '../support.ts'

const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 10_000
const CALL_LIMIT_MS = 120_000
const LOOK_EVERY_MS = 250
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
/** Of this run alone: the server is on loopback, and gone with it. */
const TOKEN = 'test-cluster'

export type Cluster = {
  kubeconfig: string
  /** Answers what kubectl prints; throws what it says when it fails. */
  kubectl(args: string[], input?: string): string
  stop(): Promise<void>
}

/**
 * A real API server over a real etcd, on free ports of 127.0.0.1. It checks, defaults and stores objects as any cluster does;
 * there are no controllers and no nodes, so nothing runs. Both are ended by `stop`, and when this process ends in whatever way.
 */
export async function startCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'test-cluster-'))
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    for (const one of started.reverse()) await one.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()]
    started.push(start('etcd', etcdArguments(folder, etcdPort, peerPort), folder))
    await writeFiles(folder, port)
    started.push(start('kube-apiserver', serverArguments(folder, etcdPort, port), folder))
    const kubeconfig = join(folder, 'kubeconfig.json')
    await untilReady(kubeconfig, folder)
    return { kubeconfig, kubectl: (args, input) => kubectl(kubeconfig, args, input), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const program = (name: string) => join(clusterFolder(ROOT), name)

function start(name: string, args: string[], folder: string): { stop(): Promise<void> } {
  const log = openSync(join(folder, `${name}.log`), 'w')
  const child = spawn(program(name), args, { stdio: ['ignore', log, log] })
  child.on('error', () => undefined)
  const guard = child.pid === undefined ? null : guardAgainstOurEnd(child.pid, folder)
  return {
    async stop() {
      await ended(child)
      await guard?.end()
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await exit
  clearTimeout(late)
}

function etcdArguments(folder: string, port: number, peerPort: number): string[] {
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
  return [
    ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
  ]
}

function serverArguments(folder: string, etcdPort: number, port: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    ...['--bind-address=127.0.0.1', `--secure-port=${port}`, `--cert-dir=${join(folder, 'certificates')}`],
    // Loopback cannot be advertised; nobody looks for it.
    ...['--advertise-address=192.0.2.1', '--endpoint-reconciler-type=none'],
    ...['--service-cluster-ip-range=10.96.0.0/16', '--authorization-mode=RBAC'],
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'public.pem')}`,
    `--service-account-signing-key-file=${join(folder, 'private.pem')}`,
    // No controller makes the accounts that it would wait for.
    '--disable-admission-plugins=ServiceAccount',
  ]
}

async function writeFiles(folder: string, port: number): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true }
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token: TOKEN } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  }
  await Promise.all([
    writeFile(join(folder, 'public.pem'), publicKey),
    writeFile(join(folder, 'private.pem'), privateKey, { mode: 0o600 }),
    writeFile(join(folder, 'tokens.csv'), `${TOKEN},test,test,system:masters\n`, { mode: 0o600 }),
    writeFile(join(folder, 'kubeconfig.json'), JSON.stringify(kubeconfig), { mode: 0o600 }),
  ])
}

async function untilReady(kubeconfig: string, folder: string): Promise<void> {
  const until = Date.now() + START_LIMIT_MS
  for (;;) {
    try {
      kubectl(kubeconfig, ['get', '--raw', '/readyz'])
      return
    } catch (error) {
      if (Date.now() > until) {
        const log = await readFile(join(folder, 'kube-apiserver.log'), 'utf8').catch(() => '')
        throw new Error(`The API server did not come up: ${(error as Error).message}\n${log.slice(-2_000)}`)
      }
      await wait(LOOK_EVERY_MS)
    }
  }
}

function kubectl(kubeconfig: string, args: string[], input = ''): string {
  const options = { encoding: 'utf8' as const, timeout: CALL_LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES, input }
  const { status, stdout, stderr } = spawnSync(program('kubectl'), ['--kubeconfig', kubeconfig, ...args], options)
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}
