import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** A root file system of folders laid over one another, the lowest last; `upper` takes what is written. */
export type Layers = { lowers: string[]; upper?: { folder: string; work: string } }
/** What else is seen inside: a folder or file of this machine at a path of the container. */
export type Bound = { from: string; at: string; readOnly?: boolean }

/** Mounts of its own, which are gone with its last process, and process 1 of its own. */
const UNSHARE = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child']
/** Enough for a slow registry; nothing waits for ever. */
const STEP_LIMIT_MS = 600_000
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom']

/** Why folders can't be laid over one another here, or undefined: the kernel may not let us. */
export function mountsMissing(scratch: string): string | undefined {
  const attempt = `mkdir -p "$1/a" "$1/b" "$1/c" "$1/d" && mount -t overlay overlay -o lowerdir="$1/a",upperdir="$1/b",workdir="$1/c" "$1/d"`
  const { status, stderr } = spawnSync('unshare', [...UNSHARE, 'sh', '-c', attempt, 'sh', scratch], {
    encoding: 'utf8',
  })
  return status === 0 ? undefined : `mounts of its own are not permitted: ${stderr.trim()}`
}

/** A script that lays the layers at `$ROOT`, with /proc, the harmless devices, and what is bound. */
export function mounting({ lowers, upper }: Layers, bound: Bound[]): string {
  const above = upper ? `,upperdir=${upper.folder},workdir=${upper.work}` : ''
  return [
    `mount -t overlay overlay -o lowerdir=${lowers.join(':')}${above} "$ROOT"`,
    'mount -t proc proc "$ROOT/proc"',
    'mount -t tmpfs -o mode=755 dev "$ROOT/dev"',
    `for name in ${DEVICES.join(' ')}; do : > "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"; done`,
    ...bound.filter(({ from }) => existsSync(from)).map(binding),
  ].join('\n')
}

function binding({ from, at, readOnly }: Bound): string {
  const target = `"$ROOT${at}"`
  // Where the layers are read only it must be there already, as in a container whose root is.
  const there = `[ -e ${target} ] || { if [ -d '${from}' ]; then mkdir -p ${target}; else mkdir -p "$(dirname ${target})"; : > ${target}; fi; }`
  return `${there}\nmount --bind ${readOnly ? '-o ro ' : ''}'${from}' ${target}`
}

export type Inside = { root: string; script: string; env?: Readonly<Record<string, string>> }

/** Runs it to its end. Throws with the last of what it said. Answers what it printed. */
export function runInMounts({ root, script, env = {} }: Inside): string {
  const { status, signal, stdout, stderr, error } = spawnSync('unshare', argumentsOf(script), {
    env: { PATH: process.env.PATH, ...env, ROOT: root },
    encoding: 'utf8',
    timeout: STEP_LIMIT_MS,
    maxBuffer: 100_000_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status === 0) return stdout
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-30).join('\n')
  throw new Error(`it ended with ${signal ?? status}${error ? ` (${error.message})` : ''}:\n${said}`)
}

/** The same, and it goes on. */
export function startInMounts({ root, script, env = {} }: Inside) {
  return spawn('unshare', argumentsOf(script), {
    env: { PATH: process.env.PATH, ...env, ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

const argumentsOf = (script: string): string[] => [...UNSHARE, 'sh', '-euc', script]

/** For the shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
