import { constants } from 'node:os'

const MOST_FAULTS = 30

/** A setting of a make target. */
export function numberFrom(name: string, fallback: number, least: number, most: number): number {
  const value = Number(process.env[name] || fallback)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`${name} must be a whole number, ${least} to ${most}`)
}

type Work = (stack: AsyncDisposableStack, say: (doing: string) => void) => Promise<string[]>

/** Carries out `work`, which answers what was wrong; ends what it has started, on Ctrl-C too, and with 1 if anything was wrong. */
export async function play(what: string, work: Work): Promise<void> {
  const startedAt = Date.now()
  const say = (doing: string) =>
    void process.stderr.write(`${((Date.now() - startedAt) / 1_000).toFixed(1)} s  ${doing}\n`)
  const stack = new AsyncDisposableStack()
  let ending: Promise<void> | undefined
  const end = () => {
    ending ??= stack.disposeAsync()
    return ending
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(128 + constants.signals[signal])))
  }
  try {
    say(what)
    const faults = await work(stack, say)
    if (faults.length === 0) return
    process.exitCode = 1
    process.stderr.write(
      `\nFAILED (${faults.length})\n${faults
        .slice(0, MOST_FAULTS)
        .map((fault) => `- ${fault}\n`)
        .join('')}`,
    )
  } catch (error) {
    // While everything is being ended on a signal, whatever was going on fails.
    if (ending === undefined) process.stderr.write(`${error instanceof Error ? error.stack : error}\n${what}\n`)
    process.exitCode = 1
  } finally {
    await end()
  }
}
