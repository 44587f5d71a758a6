/**
 * Decides the order of everything. Whatever the simulated processes wait for is a task here; between two tasks all code
 * runs until it waits again. A choice picks the next task: 0 goes on with what came last, so that a schedule of zeros is
 * as if everybody ran alone, and a shrunk one names the few moments that matter.
 */
export type Schedule = {
  /** `owner`: whose it is; what a dead process still had to do is never done. */
  add(owner: string, label: string, run: () => unknown): () => void
  /** Something outside the process: carried out at one moment, and answered at another. */
  call<Reply>(owner: string, label: string, carryOut: () => Reply | Promise<Reply>): Promise<Reply>
  pause(owner: string): (ms: number, signal?: AbortSignal) => Promise<unknown>
  /** Forgets what this owner waits for; what it has sent is carried out even so. */
  kill(owner: string): void
  /** Runs until nobody waits for anything. Answers how many tasks there were. */
  run(): Promise<number>
  /** From here on: one after the other, as they came. */
  inOrder(): void
  /** From here on the choices count, and what happens is kept. */
  begin(): void
  /** Ends `run` with this error. */
  fail(error: unknown): void
  trace: string[]
}
type Task = { owner: string; label: string; sent: boolean; run: () => unknown }

/** Far more than any program needs: something goes round in circles. */
const MAX_TASKS = 20_000
const soon = globalThis.setImmediate

export function schedule(choices: number[]): Schedule {
  let pending: Task[] = []
  const trace: string[] = []
  let chosen = -1
  let fair = false
  const dead = new Set<string>()
  const failures: unknown[] = []

  const push = (task: Task) => {
    if (dead.has(task.owner)) return () => undefined
    pending.push(task)
    return () => {
      pending = pending.filter((other) => other !== task)
    }
  }
  const add = (owner: string, label: string, run: () => unknown) => push({ owner, label, sent: false, run })
  const pick = (): Task | undefined => {
    const choice = chosen < 0 ? 0 : (choices[chosen] ?? 0)
    if (chosen >= 0) chosen += 1
    const index = fair ? 0 : pending.length - 1 - (choice % pending.length)
    return pending.splice(index, 1)[0]
  }
  const call = <Reply>(owner: string, label: string, carryOut: () => Reply | Promise<Reply>): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const outcome = async () => {
        try {
          const reply = await carryOut()
          return () => resolve(reply)
        } catch (error) {
          return () => reject(error)
        }
      }
      const run = async () => {
        const answer = await outcome()
        add(owner, `ANSWER ${label}`, answer)
      }
      push({ owner, label, sent: true, run })
    })

  return {
    add,
    call,
    trace,
    pause: (owner) => (ms, signal) =>
      new Promise((resolve, reject) => {
        const cancel = add(owner, `${ms} ms pass`, () => resolve(undefined))
        signal?.addEventListener('abort', () => {
          cancel()
          reject(signal.reason)
        })
      }),
    kill(owner) {
      dead.add(owner)
      pending = pending.filter((task) => task.sent || task.owner !== owner)
    },
    async run() {
      let tasks = 0
      for (; ; tasks += 1) {
        await new Promise<void>((resolve) => soon(resolve))
        if (failures.length > 0) throw failures[0]
        const task = pending.length > 0 ? pick() : undefined
        if (!task) return tasks
        if (tasks === MAX_TASKS) throw new Error(`no end after ${MAX_TASKS} tasks`)
        tell(trace, `${task.owner}: ${task.label}`)
        await task.run()
      }
    },
    begin() {
      chosen = 0
      trace.length = 0
    },
    inOrder() {
      fair = true
    },
    fail: (error) => void failures.push(error),
  }
}

/** One line for what is carried out and answered at once. */
function tell(trace: string[], line: string): void {
  const last = trace.at(-1)
  if (last !== undefined && line === last.replace(': ', ': ANSWER ')) trace[trace.length - 1] = `${last} ✓`
  else trace.push(line)
}
