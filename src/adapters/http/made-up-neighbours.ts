import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MAX_BRANCHES_A_CALL } from '../../ports/neighbours.ts'
import { madeUpBranch } from './made-up-branches.ts'
import { madeUpEmployment } from './made-up-people.ts'

export type MadeUpNeighbours = {
  /** Of both services. */
  url: string
  close(): Promise<void>
}
/** `port`: a free one when absent. */
type Options = { port?: number; now?: () => Date }

const LOOPBACK = '127.0.0.1'
/** Longer than its callers keep a connection: whoever closes first never closes one on which a request is coming. */
const KEEP_ALIVE_MS = 60_000
/** A request is a line and some headers, from the same machine. */
const REQUEST_LIMIT_MS = 10_000

/**
 * Answers on loopback what branches-service and people-service would, invented from the ids alone: for those who have
 * neither. Rejects when the port is taken.
 */
export async function startMadeUpNeighbours({
  port = 0,
  now = () => new Date(),
}: Options = {}): Promise<MadeUpNeighbours> {
  const limits = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_LIMIT_MS, headersTimeout: REQUEST_LIMIT_MS }
  const server = createServer(limits, ({ method, url = '' }, response) => {
    const { status, body } = method === 'GET' ? answerTo(url, now()) : NOT_FOUND
    response.statusCode = status
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  })
  server.listen(port, LOOPBACK)
  await once(server, 'listening')
  let closed: Promise<unknown> | undefined
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    async close() {
      if (!closed) {
        closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
      }
      await closed
    },
  }
}

type Answer = { status: number; body: unknown }
const NOT_FOUND: Answer = { status: 404, body: { error: 'not found' } }
const WRONG_IDS: Answer = { status: 400, body: { error: `ids: 1 to ${MAX_BRANCHES_A_CALL}, separated by commas` } }

function answerTo(url: string, now: Date): Answer {
  const { pathname, searchParams } = URL.parse(url, `http://${LOOPBACK}`) ?? {}
  if (pathname === '/branches') return branches(searchParams?.get('ids') ?? '')
  const employeeNumber = /^\/employments\/([^/]+)$/.exec(pathname ?? '')?.[1]
  if (employeeNumber === undefined) return NOT_FOUND
  const employment = madeUpEmployment(employeeNumber, now)
  return employment ? { status: 200, body: employment } : { status: 404, body: { code: 'employment-not-found' } }
}

/** In the order asked for, without those that there are not. */
function branches(list: string): Answer {
  const ids = list.split(',')
  if (list === '' || ids.length > MAX_BRANCHES_A_CALL) return WRONG_IDS
  return { status: 200, body: { branches: ids.map(madeUpBranch).filter((branch) => branch !== null) } }
}
