import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Owner } from '../contract/rig.ts'
import { fieldsOf, messagesIn, textIn } from './protobuf.ts'

// What comes by OTLP over HTTP, as far as the tests look: the fields of opentelemetry/proto/trace/v1/trace.proto and
// opentelemetry/proto/common/v1/common.proto (https://github.com/open-telemetry/opentelemetry-proto), by their numbers.

export type ReceivedSpan = {
  traceId: string
  spanId: string
  parentId: string
  name: string
  kind: number
  attributes: Record<string, string | number | boolean>
  events: { name: string; attributes: Record<string, string | number | boolean> }[]
  links: string[]
  isError: boolean
}
export const SERVER = 2
export const CLIENT = 3
export const CONSUMER = 5
const STATUS_ERROR = 2n

/** Stands in for an OpenTelemetry collector. */
export async function startOtlpCollector(t: Owner) {
  const spans: ReceivedSpan[] = []
  const bodies: Buffer[] = []
  const heads: string[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const sent = Buffer.concat(parts)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    heads.push(`${request.method} ${request.url}\n${request.rawHeaders.join('\n')}`)
    bodies.push(body)
    spans.push(...spansIn(body))
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    spans: () => spans,
    heads: () => heads,
    /** Everything; what is text in it is found in it. */
    text: () => heads.join('\n') + Buffer.concat(bodies).toString('latin1'),
  }
}

function spansIn(request: Buffer): ReceivedSpan[] {
  const scopes = messagesIn(request, 1).flatMap((resource) => messagesIn(resource, 2))
  return scopes.flatMap((scope) => messagesIn(scope, 2)).map(spanOf)
}

function spanOf(span: Buffer): ReceivedSpan {
  const fields = fieldsOf(span)
  const hex = (number: number) =>
    (fields.find((field) => field.number === number)?.bytes ?? Buffer.of()).toString('hex')
  const [status] = messagesIn(span, 15)
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    name: textIn(span, 5),
    kind: Number(fields.find(({ number }) => number === 6)?.value ?? 0n),
    attributes: attributesIn(span, 9),
    events: messagesIn(span, 11).map((event) => ({ name: textIn(event, 2), attributes: attributesIn(event, 3) })),
    links: messagesIn(span, 13).map((link) =>
      (fieldsOf(link).find(({ number }) => number === 1)?.bytes ?? Buffer.of()).toString('hex'),
    ),
    isError:
      status !== undefined && fieldsOf(status).some(({ number, value }) => number === 3 && value === STATUS_ERROR),
  }
}

function attributesIn(message: Buffer, number: number): ReceivedSpan['attributes'] {
  return Object.fromEntries(
    messagesIn(message, number).map((pair) => {
      const [any = Buffer.of()] = messagesIn(pair, 2)
      const [field] = fieldsOf(any)
      const value =
        field?.number === 1 ? textIn(any, 1) : field?.number === 2 ? field.value === 1n : Number(field?.value)
      return [textIn(pair, 1), value]
    }),
  )
}
