import { constants } from 'node:os'
import { inspect } from 'node:util'

/**
 * Runs a benchmark; whatever it puts on the stack ends with it, also after a signal. Answers of `run`: whether all went
 * well; when not, or when it throws, the process will exit with 1.
 */
export async function onStack(run: (stack: AsyncDisposableStack) => Promise<boolean>): Promise<void> {
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
    if (!(await run(stack))) process.exitCode = 1
  } catch (error) {
    // While everything is being ended on a signal, whatever was going on fails.
    if (ending === undefined) process.stderr.write(`${inspect(error)}\n`)
    process.exitCode = 1
  } finally {
    await end()
  }
}
