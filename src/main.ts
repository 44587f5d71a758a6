#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import type { Tracing } from './ports/tracing.ts'

/** What goes on until it is stopped, and is worth reporting. */
const RUNNING = ['all', 'serve', 'work']
/**
 * What is compiled is kept for the next start, which takes half the processor time. Not in the folder for temporary files, Node's own
 * choice: there others of this machine could lay down something else. Where nothing may be written it does nothing.
 */
const COMPILED = join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled')

enableCompileCache(COMPILED)
// Only now, as all that follows: what is imported at the top is loaded before, and compiled each time.
const { ConfigError, inEnvironment, readConfig, setCompileCache } = await import('./config.ts')
setCompileCache(COMPILED)

let tracing: Tracing | null = null
try {
  const [command = '', ...rest] = process.argv.slice(2)
  const reports = RUNNING.includes(command) && !rest.some((argument) => /^(?:-h|--help)$/.test(argument))
  if (reports) {
    const { startTracing } = await import('./wiring-tracing.ts')
    tracing = await startTracing(readConfig().tracing, inEnvironment)
  }
  // Only now: an agent stands around what is imported after it.
  const { runCommand } = await import('./command-line.ts')
  await runCommand(tracing)
} catch (error) {
  // What the person who started it can mend is said in one sentence; anything else is a fault and shows its stack.
  const plain = error instanceof ConfigError || (error as { expected?: boolean }).expected === true
  process.stderr.write(`${plain ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`)
  process.exitCode = 1
  await tracing?.stop()
  // A collector that accepts and says nothing would keep the process for as long as it likes.
  if (tracing) process.exit()
}
