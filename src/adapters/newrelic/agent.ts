import { createRequire } from 'node:module'
import type { Tracing } from '../../ports/tracing.ts'
import { agentSettings, LEFT_TO_OPERATORS, type NewRelicOptions, OF_THE_AGENT } from './settings.ts'
import { type Agent, newRelicTracing } from './tracing.ts'

/** What is to be found in the environment while `load` runs. `hidden`: variables that are not there meanwhile. */
export type InEnvironment = <Loaded>(
  variables: Record<string, string>,
  hidden: (name: string) => boolean,
  load: () => Loaded,
) => Loaded

/** Loads the agent, which stands around the modules that are loaded after it: so this comes first. Once a thread. */
export function startNewRelic(options: NewRelicOptions, inEnvironment: InEnvironment): Tracing {
  const hidden = (name: string) => OF_THE_AGENT.test(name) && !LEFT_TO_OPERATORS.test(name)
  const load = () => createRequire(import.meta.url)('newrelic') as Agent
  const agent = leavingUncaughtErrors(() => inEnvironment(agentSettings(options), hidden, load))
  return newRelicTracing(agent, options)
}

/**
 * The agent stands around these two to tell of errors that nobody caught, and of their messages it takes away the first line
 * only (node-newrelic's instrumentation/core/globals.js). They end the process, and stand in our log.
 */
function leavingUncaughtErrors<Loaded>(load: () => Loaded): Loaded {
  const emit = process.emit
  const fatal = process._fatalException
  try {
    return load()
  } finally {
    process.emit = emit
    process._fatalException = fatal
  }
}
