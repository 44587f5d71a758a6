import { type ChildProcess, fork } from 'node:child_process'
import { type Call, type Failure, type Reply, type Request, STATES, type Table } from './protocol.ts'

/** libuv threads beside one a connection, which each of its calls occupies. */
const SPARE_THREADS = 4
/** How long calls that are still in time may go on in a process that has been given up. */
const DRAIN_LIMIT_MS = 1_000

export type DriverOptions = {
  maxConnections: number
  /** All that the process is given of the environment. */
  environment: Readonly<Record<string, string>>
}
export type Answer = Table | number | null

/** Thrown for whatever a call comes to but success. */
export class DriverFailure extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.text)
    this.failure = failure
  }
}

/**
 * A process that holds connections of IBM's driver. A call that has no answer in time is answered here; the process is
 * then given up, since nothing else ends a call of the driver: calls of others may end, and it is killed.
 */
export type Driver = {
  /** Rejects with DriverFailure. */
  call(connection: number, call: Call, limitMs: number): Promise<Answer>
  /** Takes no calls any more, and ends when those under way have, or soon. */
  giveUp(): void
  /** False: given up, or ended. */
  isWhole(): boolean
  /** Resolves when the process is gone. */
  end(): Promise<void>
  pid: number | undefined
}

const MAIN_FILE = new URL('./driver-process.ts', import.meta.url)

export function startDriver({ maxConnections, environment }: DriverOptions): Driver {
  const child = fork(MAIN_FILE, [], {
    env: { ...environment, UV_THREADPOOL_SIZE: String(maxConnections + SPARE_THREADS) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = Promise.withResolvers<void>()
  let whole = true
  let drain: NodeJS.Timeout | undefined
  const giveUp = () => {
    whole = false
    if (calls.count() === 0) child.kill('SIGKILL')
    else drain ??= setTimeout(() => child.kill('SIGKILL'), DRAIN_LIMIT_MS)
  }
  const calls = callsOnTheirWay({
    onLate: () => giveUp(),
    onChange: (count) => {
      if (!whole && count === 0) child.kill('SIGKILL')
      hold(child, count > 0)
    },
  })
  const fallen = () => {
    whole = false
    clearTimeout(drain)
    calls.failAll(ENDED)
    gone.resolve()
  }
  child.on('message', calls.settle)
  child.on('exit', fallen)
  child.on('error', fallen)
  hold(child, false)

  return {
    pid: child.pid,
    giveUp,
    isWhole: () => whole && child.connected,
    call: async (connection, call, limitMs) => {
      if (!whole || !child.connected) throw new DriverFailure(NOT_SENT)
      const { id, answer } = calls.begin(limitMs)
      child.send({ id, connection, ...call } satisfies Request, (error) => {
        if (error) calls.settle({ id, failure: ENDED })
      })
      return answer
    },
    end: () => {
      whole = false
      if (child.exitCode === null && child.signalCode === null) {
        hold(child, true)
        child.kill('SIGKILL')
      }
      return gone.promise
    },
  }
}

const NOT_SENT: Failure = { code: 0, state: STATES.notSent, text: 'its process has been given up' }
const ENDED: Failure = { code: 0, state: STATES.processEnded, text: 'its process has ended' }

type Listener = { onLate(): void; onChange(count: number): void }
type Waiting = { resolve(answer: Answer): void; reject(error: DriverFailure): void; timer: NodeJS.Timeout }

/** Each is settled once: by its answer, by the end of its time, or with all others. */
function callsOnTheirWay({ onLate, onChange }: Listener) {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  const settle = (reply: Reply) => {
    const asked = waiting.get(reply.id)
    if (!asked) return
    waiting.delete(reply.id)
    clearTimeout(asked.timer)
    if ('result' in reply) asked.resolve(reply.result)
    else asked.reject(new DriverFailure(reply.failure))
    onChange(waiting.size)
  }
  return {
    settle,
    count: () => waiting.size,
    begin(limitMs: number): { id: number; answer: Promise<Answer> } {
      lastId += 1
      const id = lastId
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const timer = setTimeout(() => {
        onLate()
        settle({ id, failure: { code: 0, state: STATES.noAnswerInTime, text: `no answer within ${limitMs} ms` } })
      }, limitMs)
      waiting.set(id, { resolve, reject, timer })
      onChange(waiting.size)
      return { id, answer: promise }
    },
    failAll(failure: Failure): void {
      for (const id of [...waiting.keys()]) settle({ id, failure })
    },
  }
}

/** Only an open call keeps this process alive, not the other one. */
function hold(child: ChildProcess, keep: boolean): void {
  if (keep) {
    child.ref()
    child.channel?.ref()
  } else {
    child.unref()
    child.channel?.unref()
  }
}
