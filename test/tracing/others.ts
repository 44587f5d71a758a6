import { once } from 'node:events'
import { createServer, request as requestOf } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startMadeUpNeighbours } from '../../src/adapters/http/made-up-neighbours.ts'
import type { Owner } from '../contract/rig.ts'

/** What was asked, with all header lines. */
export type Asked = { url: string; lines: [name: string, value: string][] }

/** The made-up neighbours, behind something that notes what they are asked. */
export async function startNotedNeighbours(t: Owner) {
  const madeUp = await startMadeUpNeighbours()
  t.after(madeUp.close)
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const { url = '', method, headers, rawHeaders } = request
    asked.push({ url, lines: linesOf(rawHeaders) })
    request.resume()
    const to = requestOf(madeUp.url + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    to.on('error', () => response.destroy())
    to.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { asked, environment: { BRANCHES_URL: url, PEOPLE_URL: url } }
}

export function linesOf(rawHeaders: string[]): Asked['lines'] {
  return rawHeaders.flatMap((name, i): Asked['lines'] =>
    i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? '']] : [],
  )
}

/** All that a request says of the trace that it belongs to. */
export function contextIn({ lines }: Asked) {
  const values = (wanted: string) => lines.filter(([name]) => name === wanted).map(([, value]) => value)
  return { traceparent: values('traceparent'), tracestate: values('tracestate'), newrelic: values('newrelic') }
}
