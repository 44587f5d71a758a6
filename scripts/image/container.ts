import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Image } from './build.ts'
import { healthcheckOf, type Step } from './dockerfile.ts'
import { type Bound, type Layers, mounting, quoted, runInMounts, startInMounts } from './mounts.ts'

export type ContainerOptions = {
  image: Image
  /** Its own; what it writes to /tmp and /data is found there afterwards. */
  folder: string
  /** In place of the image's CMD. */
  command?: string[]
  env?: Readonly<Record<string, string>>
  bound?: Bound[]
}
export type Container = {
  /** Of process 1, as this machine numbers it. */
  pid: number
  signal(name: NodeJS.Signals): void
  /** Whatever it does. Resolves when it is gone. */
  kill(): Promise<void>
  /** Resolves with its exit code when it has ended. */
  ended: Promise<number | null>
  said(): string
  /** As `docker exec`: in there, as the image's user. */
  exec(words: string[]): { status: number | null; said: string }
  /** What the image's HEALTHCHECK answers. */
  healthy(): { status: number | null; said: string }
}

const EXEC_LIMIT_MS = 30_000
const START_LIMIT_MS = 10_000

const lastOf = ({ steps }: Image, kind: string): Step | undefined => steps.findLast((step) => step.kind === kind)

/** The words that process 1 is started with. Throws where the shell form would start a shell. */
export function commandOf(image: Image, command?: string[]): string[] {
  const [entrypoint, cmd] = [lastOf(image, 'ENTRYPOINT'), lastOf(image, 'CMD')]
  for (const step of [entrypoint, cmd])
    if (step?.form === 'shell')
      throw new Error(`Dockerfile, line ${step.line}: ${step.kind} starts a shell, which hears no signal for others`)
  return [...(entrypoint?.words ?? []), ...(command ?? cmd?.words ?? [])]
}

export function userOf(image: Image): [uid: string, gid: string] {
  const [uid = '0', gid = '0'] = (lastOf(image, 'USER')?.text ?? '0:0').split(':')
  return [uid, gid]
}

/** As the user of the image, who can gain no rights. */
function as(image: Image): string[] {
  const [uid, gid] = userOf(image)
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
  ]
}

function inside(image: Image, words: string[], env: Readonly<Record<string, string>>): string {
  const all = Object.entries({ HOME: '/nonexistent', HOSTNAME: 'container', ...image.env, ...env })
  const settings = all.map(([name, value]) => `${name}=${value}`)
  const shell = ['sh', '-c', `cd ${quoted(image.workdir)} && exec "$@"`, 'sh']
  return ['env', '-i', ...settings, ...as(image), ...shell, ...words].map(quoted).join(' ')
}

function prepared({ image, folder, bound = [] }: ContainerOptions): { root: string; mounts: string } {
  const root = join(folder, 'root')
  for (const each of ['root', 'tmp', 'data']) mkdirSync(join(folder, each), { recursive: true })
  const [uid, gid] = userOf(image)
  const writable = [
    { from: join(folder, 'tmp'), at: '/tmp' },
    { from: join(folder, 'data'), at: image.env.DATA_DIR ?? '/data' },
  ]
  const own = `chmod 1777 ${quoted(join(folder, 'tmp'))}; chown ${uid}:${gid} ${quoted(join(folder, 'data'))}`
  // Without a layer that takes what is written, the root is read only, as with `docker run --read-only`.
  return { root, mounts: `${own}\n${mounting({ lowers: image.layers }, [...writable, ...bound])}` }
}

/** As `docker run --read-only --rm` of a command that ends. Answers what it printed. */
export function runContainer(options: ContainerOptions): string {
  const { root, mounts } = prepared(options)
  const words = commandOf(options.image, options.command)
  const script = `${mounts}\nexec chroot "$ROOT" ${inside(options.image, words, options.env ?? {})} 2>&1`
  return runInMounts({ root, script })
}

/** Runs something as the image's user where it could write if it had the right to: the layer on top is thrown away. */
export function runWritable(image: Image, folder: string, words: string[]): string {
  const [root, files, work] = ['root', 'files', 'work'].map((each) => join(folder, each)) as [string, string, string]
  for (const each of [root, files, work]) mkdirSync(each, { recursive: true })
  const layers: Layers = { lowers: image.layers, upper: { folder: files, work } }
  return runInMounts({ root, script: `${mounting(layers, [])}\nexec chroot "$ROOT" ${inside(image, words, {})}` })
}

/** As `docker run --read-only`, and it goes on. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const { image, env = {} } = options
  const { root, mounts } = prepared(options)
  const words = commandOf(image, options.command)
  const child = startInMounts({ root, script: `${mounts}\nexec chroot "$ROOT" ${inside(image, words, env)}` })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const pid = await processOne(child, words).catch((error) => {
    child.kill('SIGKILL')
    throw new Error(`${error.message}\n${said}`)
  })
  const exec = (command: string[]) => {
    const enter = [
      '-t',
      String(pid),
      '--mount',
      '--pid',
      '--root',
      '--wd',
      'sh',
      '-c',
      `exec ${inside(image, command, env)}`,
    ]
    const { status, stdout, stderr } = spawnSync('nsenter', enter, { encoding: 'utf8', timeout: EXEC_LIMIT_MS })
    return { status, said: `${stdout}${stderr}` }
  }
  return {
    pid,
    signal: (name) => void process.kill(pid, name),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    ended,
    said: () => said,
    exec,
    healthy: () => {
      const step = lastOf(image, 'HEALTHCHECK')
      if (!step) throw new Error('The Dockerfile has no HEALTHCHECK.')
      const { form, words: check } = healthcheckOf(step)
      if (form === 'shell') throw new Error(`Dockerfile, line ${step.line}: HEALTHCHECK starts a shell`)
      return exec(check)
    },
  }
}

/** The child of `unshare` is what is process 1 in there; once it is what the image says, all is mounted. */
async function processOne(child: ChildProcess, words: string[]): Promise<number> {
  const deadline = Date.now() + START_LIMIT_MS
  for (;;) {
    const [first] = textOf(`/proc/${child.pid}/task/${child.pid}/children`).split(' ')
    if (first && textOf(`/proc/${first}/cmdline`).startsWith(words.join('\0'))) return Number(first)
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`it has not started: ${words.join(' ')}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
