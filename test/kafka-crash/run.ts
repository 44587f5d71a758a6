import { crash } from './crash.ts'

const startedAt = Date.now()
const say = (doing: string) =>
  void process.stderr.write(`${((Date.now() - startedAt) / 1_000).toFixed(1)} s  ${doing}\n`)
const number = (name: string, fallback: number) => Number(process.env[name] || fallback)

const stack = new AsyncDisposableStack()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(1)))
try {
  const result = await crash(
    {
      users: 3_000,
      seed: number('CRASH_SEED', Date.now() % 1_000_000),
      steps: number('CRASH_STEPS', 100),
      brokerDownMs: number('CRASH_BROKER_DOWN_MS', 60_000),
      only: process.env.CRASH_ONLY ?? '',
      say,
    },
    stack,
  )
  const { settledMs, ...counts } = result
  const sorted = settledMs.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
  process.stdout.write(
    `${JSON.stringify({ ...counts, settledMs: { p50: at(0.5), p90: at(0.9), max: at(1) } }, null, 2)}\n`,
  )
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
  process.exitCode = 1
} finally {
  await stack.disposeAsync()
}
