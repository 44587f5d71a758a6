import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

const STOP_LIMIT_MS = 15_000
const LAST_WORDS_LINES = 20

export type Running = { pid: number; child: ChildProcess; stop(): Promise<void> }
export type Processes = ReturnType<typeof processes>

/**
 * Starts processes that end with `stack`, and at the latest when this process ends, in whatever way. What they print is
 * in one log file each, under `dir`, which is deleted as well.
 */
export function processes(stack: AsyncDisposableStack, dir: string) {
  const guard = guardAgainstOurEnd(dir)
  stack.defer(guard.end)

  const begin = (name: string, start: (stdio: SpawnOptions['stdio']) => ChildProcess): Running => {
    // The stack takes nothing more once it is being ended, by Ctrl-C for example: then nothing may begin either.
    if (stack.disposed) throw new Error('the benchmark is ending')
    const log = openSync(join(dir, `${name}.log`), 'a')
    const child = start(['ignore', log, log])
    closeSync(log)
    const running = { pid: Number(child.pid), child, stop: () => stop(child) }
    guard.watch(running.pid)
    child.once('exit', () => guard.forget(running.pid))
    stack.defer(running.stop)
    return running
  }
  return {
    /** A command of the service, as in production, with these settings and no others. */
    service(name: string, args: string[], env: NodeJS.ProcessEnv): Running {
      return begin(name, (stdio = []) => spawn(process.execPath, ['src/main.ts', ...args], { cwd: ROOT, env, stdio }))
    },
    /** Any other program. */
    program(name: string, command: string, args: string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Running {
      return begin(name, (stdio = []) => spawn(command, args, { ...options, stdio }))
    },
    /** A process of the benchmark's own, told and asked things by messages. */
    helper(name: string, file: string, args: string[]): Running {
      return begin(name, (stdio = []) =>
        fork(join(import.meta.dirname, file), args, { env: {}, stdio: [...(stdio as []), 'ipc'] }),
      )
    },
    /** The last that it has said, for the message of a failure. */
    lastWords: (name: string) =>
      readFileSync(join(dir, `${name}.log`), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-LAST_WORDS_LINES)
        .join('\n'),
  }
}

export function hasEnded({ child }: Pick<Running, 'child'>): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Resolves when it has ended well; rejects when not. */
export async function untilDone({ child }: Pick<Running, 'child'>, what: string): Promise<void> {
  if (!hasEnded({ child })) await once(child, 'exit')
  if (child.exitCode !== 0) throw new Error(`${what} ended with ${child.signalCode ?? child.exitCode}`)
}

/** Tells a helper something, and resolves with what it answers; rejects when it ends instead. */
export async function exchange<Answer>({ child }: Running, message: object): Promise<Answer> {
  const ended = new AbortController()
  const fail = () => ended.abort(new Error('the helper process ended'))
  child.once('exit', fail)
  try {
    const answer = once(child, 'message', { signal: ended.signal })
    child.send(message)
    return (await answer)[0] as Answer
  } finally {
    child.off('exit', fail)
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded({ child })) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await ended
  clearTimeout(kill)
}

/**
 * A shell that waits on a pipe from us. However we end, even by SIGKILL, the pipe closes; then it ends what is left. It
 * forgets what has ended before: the number may be another process's by then.
 */
function guardAgainstOurEnd(dir: string) {
  const script = `pids=" "
    while read -r what pid; do
      case $what in
        watch) pids="$pids$pid " ;;
        forget) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
      esac
    done
    kill -KILL $pids 2>/dev/null
    rm -rf "$1"`
  const shell = spawn('/bin/sh', ['-c', script, 'sh', dir], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  shell.unref()
  // It has been ended: there is nothing left to guard.
  shell.stdin.on('error', () => undefined)
  return {
    watch: (pid: number) => void shell.stdin.write(`watch ${pid}\n`),
    forget: (pid: number) => void shell.stdin.write(`forget ${pid}\n`),
    end: async () => {
      const ended = once(shell, 'exit')
      shell.ref()
      shell.kill('SIGKILL')
      await ended
    },
  }
}
