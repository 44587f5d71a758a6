import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Owner } from '../contract/rig.ts'
import { makeCertificate } from './certificate.ts'

// The part of the collector's protocol (version 17) that the agent speaks: JSON over HTTPS, one method a request.

export type Received = { method: string; params: unknown }
/** As the agent has it: intrinsics, attributes of users, attributes of the agent. */
export type Event = {
  intrinsics: Record<string, unknown>
  custom: Record<string, unknown>
  own: Record<string, unknown>
}

/** Stands in for New Relic's collector: keeps all that is sent, and says that all is well. */
export async function startCollector(t: Owner) {
  const certificate = await makeCertificate()
  const received: Received[] = []
  /** Everything, as text: heads and bodies. */
  const texts: string[] = []
  let connections = 0
  const server = createServer(certificate, async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
    const method = new URL(request.url ?? '', 'https://x').searchParams.get('method') ?? ''
    texts.push(`${request.url}\n${request.rawHeaders.join('\n')}\n${text}`)
    received.push({ method, params: text === '' ? null : JSON.parse(text) })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ return_value: answerTo(method) }))
  })
  server.on('connection', () => {
    connections += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const answerTo = (method: string) => {
    if (method === 'preconnect') return { redirect_host: `localhost:${port}` }
    if (method === 'connect') return CONNECTED
    return method === 'agent_settings' ? [] : null
  }
  const stop = async () => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  t.after(async () => {
    await stop()
    await certificate.remove()
  })
  const of = (method: string) =>
    received.filter((one) => one.method === method).map(({ params }) => params as unknown[])
  const events = (method: string): Event[] =>
    of(method)
      .flatMap((params) => params[2] as [object, object, object][])
      .map(([intrinsics, custom, own]) => ({ intrinsics, custom, own }) as Event)
  return {
    environment: {
      NEW_RELIC_LICENSE_KEY: LICENSE_KEY,
      NEW_RELIC_HOST: 'localhost',
      NEW_RELIC_PORT: String(port),
      NEW_RELIC_CA_FILE: certificate.file,
    },
    received,
    connections: () => connections,
    of,
    transactions: () => events('analytic_event_data'),
    spans: () => events('span_event_data'),
    errors: () => events('error_event_data'),
    /** Names of metrics, each with the transaction that it is a part of, or ''. */
    metrics: () =>
      of('metric_data').flatMap((params) =>
        (params[3] as [{ name: string; scope?: string }, number[]][]).map(([{ name, scope = '' }]) => ({
          name,
          scope,
        })),
      ),
    text: () => texts.join('\n'),
    stop,
  }
}

export const LICENSE_KEY = `${'a'.repeat(36)}NRAL`
/** As in a trial account; the agent sends what it has each minute, and at its end. */
const CONNECTED = {
  agent_run_id: 'run',
  account_id: '1',
  primary_application_id: '2',
  trusted_account_key: '1',
  entity_guid: 'guid',
  collect_traces: true,
  collect_errors: true,
  collect_error_events: true,
  collect_analytics_events: true,
  collect_span_events: true,
  apdex_t: 0.5,
  data_report_period: 60,
  url_rules: [],
  metric_name_rules: [],
  transaction_name_rules: [],
  transaction_segment_terms: [],
}
