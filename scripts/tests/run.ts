import { type ChildProcess, spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { Selection } from './tiers.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
/** What Node compiled of modules; the same for all processes of all files, which is a third of what a small one costs. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compiled')
/** A file that stands still is ended, and says so. */
const FILE_LIMIT_MS = 600_000
export const MAX_SEED = 0xff_ff_ff_ff
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export type Order = {
  seed: number
  /** Of the files only those whose path holds one of these; all, without any. */
  only: string[]
  /** What Node is told besides. */
  more: string[]
}
/** Of one run; `output` is what its processes printed, share after share. */
export type Outcome = { files: number; isPassed: boolean; tookMs: number; output: string }

export function newSeed(): number {
  return Math.floor(Math.random() * MAX_SEED)
}

export function filesOf(selection: Selection, only: string[] = []): string[] {
  const files = globSync(selection.files, { cwd: ROOT, exclude: ['**/node_modules/**'] }).sort()
  return only.length === 0 ? files : files.filter((file) => only.some((part) => file.includes(part)))
}

/** Runs the files in an order that `seed` makes. `tell` is given what is printed, at once where one process prints. */
export async function runTests(selection: Selection, order: Order, tell: (text: string) => void): Promise<Outcome> {
  const files = filesOf(selection, order.only)
  const beganAt = performance.now()
  const shares = dealt(files, Math.max(selection.shares, 1))
  const runs = shares.map((share) => runShare(selection, share, order, shares.length === 1 ? tell : () => undefined))
  const ended = await Promise.all(runs)
  const output = ended.map((one) => one.output).join('')
  if (shares.length > 1) tell(output)
  return {
    files: files.length,
    isPassed: ended.every(({ code }) => code === 0),
    tookMs: performance.now() - beganAt,
    output,
  }
}

/** Neighbours go to different shares: what lies in one folder is alike in cost. */
function dealt(files: string[], shares: number): string[][] {
  const hands = Array.from({ length: shares }, (_, hand) => files.filter((_, index) => index % shares === hand))
  return hands.filter((hand) => hand.length > 0)
}

function runShare(selection: Selection, files: string[], { seed, more }: Order, tell: (text: string) => void) {
  const options = [
    ...selection.options,
    '--test',
    `--test-concurrency=${selection.atATime}`,
    `--test-random-seed=${seed}`,
    `--test-timeout=${FILE_LIMIT_MS}`,
    ...more,
  ]
  const { beside, env } = selection
  const command = beside === undefined ? [] : [...beside, process.execPath]
  const child = spawn(process.execPath, [...command, ...options, ...files], {
    cwd: ROOT,
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return ended(child, tell)
}

function ended(child: ChildProcess, tell: (text: string) => void): Promise<{ code: number; output: string }> {
  const passOn = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of PASSED_ON) process.on(signal, passOn)
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    tell(text)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      for (const signal of PASSED_ON) process.off(signal, passOn)
      resolve({ code: code ?? 1, output })
    })
  })
}
