import { AsyncLocalStorage } from 'node:async_hooks'
import { faultOf, type TracedFault, type TraceHeaders, type Tracing } from '../../ports/tracing.ts'

/** Of the agent's API, what is used here: https://newrelic.github.io/node-newrelic/API.html */
export type Agent = {
  setTransactionName(name: string): void
  addCustomAttributes(attributes: object): void
  noticeError(error: Error, attributes: object, expected: boolean): void
  setErrorGroupCallback(group: (about: { customAttributes?: { errorCode?: string }; error?: Error }) => string): void
  startBackgroundTransaction<Result>(name: string, group: string, work: () => Promise<Result>): Promise<Result>
  startSegment<Result>(name: string, isMetric: boolean, work: () => Promise<Result>): Promise<Result>
  getTransaction(): {
    insertDistributedTraceHeaders(headers: TraceHeaders): void
    acceptDistributedTraceHeaders(by: string, headers: TraceHeaders): void
  }
  getTraceMetadata(): { traceId?: string }
  shutdown(how: { collectPendingData: boolean; timeout: number }, done: () => void): void
}

/** Whoever ends waits no longer for the collector. */
export const STOP_LIMIT_MS = 3_000
const FRAME = /^\s+at /
const UNKNOWN = 'unknown'

/** Requests, calls of HTTP, Redis and Kafka are seen by the agent itself; the rest is told here. */
export function newRelicTracing(agent: Agent, { hotOneIn }: Pick<Tracing, 'hotOneIn'>): Tracing {
  agent.setErrorGroupCallback(({ error }) => error?.name ?? UNKNOWN)
  const outside = AsyncLocalStorage.snapshot()
  // While the collector has not answered yet nothing is recorded, and the agent would complain of each name.
  const isTracing = () => agent.getTraceMetadata().traceId !== undefined
  const fault = (told: TracedFault): void => {
    if (!isTracing()) return
    agent.addCustomAttributes({ errorCode: told.code })
    agent.noticeError(errorOf(told), {}, told.expected)
  }
  return {
    hotOneIn,
    request: (_request, _response, work) => work(),
    name(name) {
      if (isTracing()) agent.setTransactionName(name)
    },
    attributes(attributes) {
      if (isTracing()) agent.addCustomAttributes(attributes)
    },
    fault,
    background: ({ group, name, items, from = [], isLong = false, stop }, work) =>
      agent.startBackgroundTransaction(name, group, async () => {
        if (isTracing()) {
          if (from[0] !== undefined) agent.getTransaction().acceptDistributedTraceHeaders('Queue', from[0])
          if (items !== undefined) agent.addCustomAttributes({ items })
        }
        try {
          return await (isLong ? outside(work) : work())
        } catch (error) {
          if (stop?.aborted !== true) fault(faultOf(error))
          throw error
        }
      }),
    segment: (name, work) => agent.startSegment(name, true, work),
    isTracing,
    // The agent puts it into every call by itself.
    ofCall: () => ({}),
    carried() {
      const headers: TraceHeaders = {}
      if (isTracing()) agent.getTransaction().insertDistributedTraceHeaders(headers)
      return headers
    },
    stop: () =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, STOP_LIMIT_MS)
        agent.shutdown({ collectPendingData: true, timeout: STOP_LIMIT_MS }, () => {
          clearTimeout(late)
          resolve()
        })
      }),
  }
}

/** Where it happened, and its code: its message, which may quote somebody's data, and what was hung upon it, stay here. */
function errorOf({ error, code }: TracedFault): Error {
  const told = new Error('')
  told.name = code
  told.stack = [code, ...(error instanceof Error ? framesOf(error) : [])].join('\n')
  return told
}

/** Only what stands behind the message, which may have lines that look like these. */
function framesOf({ message, stack = '' }: Error): string[] {
  const at = String(stack).indexOf(message)
  if (at < 0) return []
  const behind = String(stack).slice(at + message.length)
  return behind.split('\n').filter((line) => FRAME.test(line))
}
