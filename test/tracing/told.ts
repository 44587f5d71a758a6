import type { Owner } from '../contract/rig.ts'
import { startCollector } from './newrelic-collector.ts'
import { CLIENT, startOtlpCollector } from './otlp-collector.ts'

// What the two agents send, as one: so that one suite holds for both.

export type Told = {
  name: string
  traceId: string
  attributes: Record<string, unknown>
  faults: { code: unknown; expected: unknown }[]
}
/** `parts`: names of what all of this name were made of. `text`: every byte, as text. */
export type Collector = {
  environment: Record<string, string>
  told(): Told[]
  parts(name: string): string[]
  text(): string
}

const WEB = 'WebTransaction/Custom/'
const OTHER = 'OtherTransaction/'
const SEGMENT = 'Custom/'

async function newRelic(t: Owner): Promise<Collector> {
  const collector = await startCollector(t)
  const scopesOf = (name: string) => [WEB + name, OTHER + name]
  return {
    environment: collector.environment,
    told: () =>
      collector.transactions().map(({ intrinsics, custom }) => ({
        name: String(intrinsics.name).replace(WEB, '').replace(OTHER, ''),
        traceId: String(intrinsics.traceId),
        attributes: custom,
        faults: collector
          .errors()
          .filter((error) => error.intrinsics['nr.transactionGuid'] === intrinsics.guid)
          .map((error) => ({ code: error.custom.errorCode, expected: error.intrinsics['error.expected'] })),
      })),
    parts: (name) =>
      collector
        .metrics()
        .filter((metric) => scopesOf(name).includes(metric.scope) && metric.name.startsWith(SEGMENT))
        .map((metric) => metric.name.slice(SEGMENT.length)),
    text: collector.text,
  }
}

async function openTelemetry(t: Owner): Promise<Collector> {
  const { environment, spans, text } = await startOtlpCollector(t)
  const whole = () => spans().filter(({ kind }) => kind !== CLIENT)
  const rootOf = (spanId: string): string => {
    const span = spans().find((one) => one.spanId === spanId)
    return span === undefined || span.kind !== CLIENT ? (span?.name ?? '') : rootOf(span.parentId)
  }
  return {
    environment,
    told: () =>
      whole().map(({ name, traceId, attributes, events }) => ({
        ...{ name, traceId, attributes },
        faults: events.map((event) => ({
          code: event.attributes['exception.type'],
          expected: event.attributes.expected,
        })),
      })),
    parts: (name) =>
      spans()
        .filter(({ kind, parentId }) => kind === CLIENT && rootOf(parentId) === name)
        .map((span) => span.name),
    text,
  }
}

export const AGENTS = { 'New Relic': newRelic, OpenTelemetry: openTelemetry }
