import { onStack } from '../../bench/on-stack.ts'

const MOST_FAULTS = 30

/** A setting of a make target. */
export function numberFrom(name: string, fallback: number, least: number, most: number): number {
  const value = Number(process.env[name] || fallback)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`${name} must be a whole number, ${least} to ${most}`)
}

type Work = (stack: AsyncDisposableStack, say: (doing: string) => void) => Promise<string[]>

/**
 * Carries out `work`, which answers what was wrong; ends what it has started, on Ctrl-C too, and with 1 if anything was wrong.
 * `what` names the settings and the seed; it is said when it begins, and again when it has failed.
 */
export async function play(what: string, work: Work): Promise<void> {
  const startedAt = Date.now()
  const say = (doing: string) =>
    void process.stderr.write(`${((Date.now() - startedAt) / 1_000).toFixed(1)} s  ${doing}\n`)
  say(what)
  await onStack(async (stack) => {
    const faults = await work(stack, say)
    if (faults.length > 0) process.stderr.write(`\nFAILED (${faults.length})\n${listed(faults)}`)
    return faults.length === 0
  })
  if (process.exitCode === 1) say(what)
}

const listed = (faults: string[]) =>
  faults
    .slice(0, MOST_FAULTS)
    .map((fault) => `- ${fault}\n`)
    .join('')
