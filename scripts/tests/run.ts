import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { mulberry32 } from '../../src/jobs/seed/random.ts'
import type { Selection } from './tiers.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
/** What Node compiled of modules; the same for all processes of all files, which is a third of what a small one costs. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compiled')
/** Runs the tests of many files in one process. */
const SHARE = ['--test', '--test-isolation=none', join(import.meta.dirname, 'share.ts')]
/** A process of tests that stands still is ended, and says so. */
const LIMIT_MS = 600_000
/** Of a process whose tests failed so much is told again at the end. */
const MAX_FAULT_LINES = 60
/** Below it Node's reporter says which tests failed, and why. */
const FAILING = '\n✖ failing tests:\n'
export const MAX_SEED = 0xff_ff_ff_ff
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export type Order = {
  seed: number
  /** Of the files only those whose path holds one of these; all, without any. */
  only: string[]
}
/** Of one run. */
export type Outcome = {
  files: number
  tests: Counts
  isPassed: boolean
  /** A signal has ended it. */
  isCutShort: boolean
  tookMs: number
  /** What went wrong, a text a process. */
  faults: string[]
}
/** `skipped`: tests, and suites as one. */
export type Counts = { pass: number; fail: number; skipped: number }
/** Of one process. */
type Ended = { isPassed: boolean; output: string }

export function newSeed(): number {
  return Math.floor(Math.random() * MAX_SEED)
}

export function filesOf(selection: Selection, only: string[] = []): string[] {
  const files = globSync(selection.files, { cwd: ROOT, exclude: ['**/node_modules/**'] }).sort()
  return only.length === 0 ? files : files.filter((file) => only.some((part) => file.includes(part)))
}

/**
 * Runs the files in an order that `seed` makes, and the tests of each file, too. `tell` is given what is printed, a process
 * at a time.
 */
export async function runTests(selection: Selection, order: Order, tell: (text: string) => void): Promise<Outcome> {
  const files = filesOf(selection, order.only)
  const beganAt = performance.now()
  const beside = files.length === 0 ? null : await selection.beside?.()
  // Whoever is run by Node's runner tells it in its own way, and not as it is read here.
  const inherited = { NODE_COMPILE_CACHE: COMPILED, ...process.env, NODE_TEST_CONTEXT: undefined }
  const env = { ...inherited, ...selection.env, ...beside?.env }
  const ended: Ended[] = []
  const running = passSignalsOn()
  const run = async (args: string[], name: string, FILES?: string) => {
    const begunAt = performance.now()
    const whole = [`--test-random-seed=${order.seed}`, ...(selection.options ?? []), ...args]
    const one = await runNode(whole, { ...env, FILES }, running)
    ended.push(one)
    tell(`${name} (${((performance.now() - begunAt) / 1_000).toFixed(1)} s)\n${one.output}`)
  }
  try {
    if (selection.isDealt) {
      const shares = dealt(files, selection.atATime)
      await Promise.all(shares.map((share, n) => run(SHARE, `share ${n + 1}`, share.join(delimiter))))
    } else {
      const waiting = inOrder(files, selection.first ?? [], order.seed)
      const lane = async () => {
        for (let file = waiting.shift(); file !== undefined && !running.isCutShort(); file = waiting.shift()) {
          await run([file], file)
        }
      }
      await Promise.all(Array.from({ length: selection.atATime }, lane))
    }
  } finally {
    running.end()
    await beside?.stop()
  }
  return {
    files: files.length,
    tests: countsIn(ended.map(({ output }) => output).join('')),
    isPassed: !running.isCutShort() && ended.every(({ isPassed }) => isPassed),
    isCutShort: running.isCutShort(),
    tookMs: performance.now() - beganAt,
    faults: ended.filter(({ isPassed }) => !isPassed).map(faultIn),
  }
}

/** Neighbours go to different shares: what lies in one folder is alike in cost. */
function dealt(files: string[], shares: number): string[][] {
  const hands = Array.from({ length: shares }, (_, hand) => files.filter((_, index) => index % shares === hand))
  return hands.filter((hand) => hand.length > 0)
}

/** Those that are to be `first`, then the others, shuffled. */
function inOrder(files: string[], first: string[], seed: number): string[] {
  const random = mulberry32(seed)
  const placed = files.map((file) => ({
    file,
    place: first.includes(file) ? first.indexOf(file) - first.length : random(),
  }))
  return placed.sort((one, other) => one.place - other.place).map(({ file }) => file)
}

/**
 * Node's exit code alone does not tell: it is 0 where an `after` outside of all suites fails, where something ends the
 * process before its tests are through, and where there are none.
 */
function hasPassed(code: number | null, output: string): boolean {
  const { pass, skipped } = countsIn(output)
  return code === 0 && /^ℹ tests \d+$/m.test(output) && !output.includes(FAILING) && pass + skipped > 0
}

function countsIn(output: string): Counts {
  const sum = (name: string) =>
    [...output.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))].reduce((total, [, count]) => total + Number(count), 0)
  // A suite that is left out is no test to the reporter, and would be left out of the sum as well.
  return { pass: sum('pass'), fail: sum('fail'), skipped: output.match(/^ *﹣ /gm)?.length ?? 0 }
}

/** Which tests failed and why, as Node's reporter says last; of a process that ended in another way, its last words. */
function faultIn({ output }: Ended): string {
  const [, failing] = output.split(FAILING)
  const lines =
    failing?.trim().split('\n').slice(0, MAX_FAULT_LINES) ?? output.trim().split('\n').slice(-MAX_FAULT_LINES)
  return lines.join('\n')
}

/** Ctrl-C reaches what runs, which then tidies up; nothing more is begun. */
function passSignalsOn() {
  const children = new Set<ChildProcess>()
  let isCutShort = false
  const passOn = (signal: NodeJS.Signals) => {
    isCutShort = true
    for (const child of children) child.kill(signal)
  }
  for (const signal of PASSED_ON) process.on(signal, passOn)
  return {
    children,
    isCutShort: () => isCutShort,
    end: () => {
      for (const signal of PASSED_ON) process.off(signal, passOn)
    },
  }
}

async function runNode(
  args: string[],
  env: NodeJS.ProcessEnv,
  { children }: { children: Set<ChildProcess> },
): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const limit = setTimeout(() => {
    output += `✖ ${args.at(-1)} has not ended within ${LIMIT_MS} ms\n`
    child.kill('SIGKILL')
  }, LIMIT_MS)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return { isPassed: hasPassed(code, output), output }
  } finally {
    clearTimeout(limit)
    children.delete(child)
  }
}
