import { type ChildProcess, fork } from 'node:child_process'
import { type Call, type Failure, type Reply, type Request, STATES, type Table } from './protocol.ts'

/** libuv threads beside one a connection: each call occupies one, and a COMMIT must find one free. */
const SPARE_THREADS = 4
/** How long calls that are still in time may go on in a process that has been given up. */
const DRAIN_LIMIT_MS = 1_000

export type DriverOptions = { maxConnections: number; codePage: string; mainFile?: URL }
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
  /** False: given up, or ended. */
  isWhole(): boolean
  /** Resolves when the process is gone. */
  end(): Promise<void>
  pid: number | undefined
}

const MAIN_FILE = new URL('./driver-process.ts', import.meta.url)

export function startDriver({ maxConnections, codePage, mainFile = MAIN_FILE }: DriverOptions): Driver {
  const child = fork(mainFile, [], {
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: String(maxConnections + SPARE_THREADS),
      // IBM's driver reads it once: the code page of this side. 1208 is UTF-8.
      DB2CODEPAGE: codePage,
    },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let whole = true
  let drain: NodeJS.Timeout | undefined
  const gone = Promise.withResolvers<void>()

  const settle = (id: number, reply: Reply | Failure) => {
    const asked = waiting.get(id)
    if (!asked) return
    waiting.delete(id)
    clearTimeout(asked.timer)
    if ('result' in reply) asked.resolve(reply.result)
    else asked.reject(new DriverFailure('failure' in reply ? reply.failure : reply))
    if (!whole && waiting.size === 0) child.kill('SIGKILL')
    hold(child, waiting.size > 0)
  }
  const giveUp = () => {
    whole = false
    if (waiting.size === 0) child.kill('SIGKILL')
    else drain ??= setTimeout(() => child.kill('SIGKILL'), DRAIN_LIMIT_MS)
  }
  const fallen = () => {
    whole = false
    clearTimeout(drain)
    for (const id of waiting.keys()) settle(id, { code: 0, state: STATES.processEnded, text: 'its process has ended' })
    gone.resolve()
  }
  child.on('message', (reply: Reply) => settle(reply.id, reply))
  child.on('exit', fallen)
  child.on('error', fallen)
  hold(child, false)

  return {
    pid: child.pid,
    isWhole: () => whole && child.connected,
    call: (connection, call, limitMs) =>
      new Promise((resolve, reject) => {
        if (!whole || !child.connected) {
          reject(new DriverFailure({ code: 0, state: STATES.processEnded, text: 'its process has ended' }))
          return
        }
        lastId += 1
        const id = lastId
        const timer = setTimeout(() => {
          settle(id, { code: 0, state: STATES.noAnswerInTime, text: `no answer within ${limitMs} ms` })
          giveUp()
        }, limitMs)
        waiting.set(id, { resolve, reject, timer })
        hold(child, true)
        child.send({ id, connection, ...call } satisfies Request, (error) => {
          if (error) settle(id, { code: 0, state: STATES.processEnded, text: 'its process cannot be reached' })
        })
      }),
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
type Waiting = { resolve(answer: Answer): void; reject(error: DriverFailure): void; timer: NodeJS.Timeout }

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
