import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { contentsOf, type Memory, memory } from './memory.ts'

export type Asked = { method: string; path: string; query: URLSearchParams; authorization: string; body: Json }
// biome-ignore lint/suspicious/noExplicitAny: whatever was sent, for the test to look at.
type Json = any
type Answer = [status: number, body: object]
type Route = [method: string, path: RegExp, answer: (found: string[], asked: Asked) => Answer]

export type BrokerDouble = {
  url: string
  token: string
  /** What has come, in its order. */
  asked: Asked[]
  memory: Memory
  /** With this it answers everything, while it is set; 200 is what no broker answers: an empty object. */
  fault?: 200 | 500 | 503
}

/**
 * The few endpoints of a Pact broker that its command line and the verifier use
 * (https://docs.pact.io/pact_broker/api), on loopback: it remembers what it is told, and answers out of that. Whoever shows
 * another token is refused, and whoever asks of somebody it has never heard of.
 */
export async function startBrokerDouble(t: Pick<TestContext, 'after'>): Promise<BrokerDouble> {
  const token = 'a-token-of-the-broker'
  const asked: Asked[] = []
  const remembered = memory()
  const broker: BrokerDouble = { url: '', token, asked, memory: remembered }
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', broker.url)
    const body = await text(request)
    const one: Asked = {
      ...{ method: request.method ?? '', path: pathname, query: searchParams },
      ...{ authorization: request.headers.authorization ?? '', body: body === '' ? null : JSON.parse(body) },
    }
    asked.push(one)
    if (one.authorization !== `Bearer ${token}`) return send(response, [401, {}])
    if (broker.fault !== undefined) return send(response, [broker.fault, {}])
    const routes = routesOf(broker.url, remembered)
    const route = routes.find(([method, path]) => method === one.method && path.test(one.path))
    if (!route) return send(response, [404, {}])
    // A branch may have a slash in its name.
    const found = (route[1].exec(one.path) ?? []).slice(1).map(decodeURIComponent)
    send(response, route[2](found, one))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  broker.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return broker
}

function send(response: ServerResponse, [status, body]: Answer): void {
  response.writeHead(status, { 'content-type': 'application/hal+json' }).end(JSON.stringify(body))
}

/** The index names the places of everything else; `base`: where this broker is. */
function routesOf(base: string, known: Memory): Route[] {
  const self = (path: string) => ({ self: { href: base + path } })
  const template = (path: string) => ({ href: base + path, templated: true })
  const index = {
    _links: {
      ...self('/'),
      'pb:publish-contracts': { href: `${base}/contracts/publish` },
      'pb:pacticipant': template('/pacticipants/{pacticipant}'),
      'pb:provider-pacts-for-verification': template('/pacts/provider/{provider}/for-verification'),
    },
  }
  return [
    ['GET', /^\/$/, () => [200, index]],
    [
      'POST',
      /^\/contracts\/publish$/,
      (_, { body }) => {
        known.publish(body)
        const link = (title: string, name: string) => ({ title, name, href: `${base}/` })
        const { pacticipantName, pacticipantVersionNumber, contracts } = body
        const _links = {
          ...self('/contracts/publish'),
          'pb:pacticipant': link('Pacticipant', pacticipantName),
          'pb:pacticipant-version': link('Pacticipant version', pacticipantVersionNumber),
          'pb:pacticipant-version-tags': [],
          'pb:contracts': contracts.map(({ providerName }: { providerName: string }) => link('Pact', providerName)),
        }
        const _embedded = {
          pacticipant: { name: pacticipantName, _links: { self: _links['pb:pacticipant'] } },
          version: { number: pacticipantVersionNumber, _links: { self: _links['pb:pacticipant-version'] } },
        }
        return [200, { notices: [{ type: 'success', text: 'Published.' }], logs: [], _embedded, _links }]
      },
    ],
    [
      'GET',
      /^\/pacts\/provider\/([^/]+)\/for-verification$/,
      ([provider = ''], { path }) => (known.knows(provider) ? [200, { _links: self(path) }] : [404, {}]),
    ],
    [
      'POST',
      /^\/pacts\/provider\/([^/]+)\/for-verification$/,
      ([provider = ''], { body }) => {
        if (!known.knows(provider)) return [404, {}]
        const pacts = known.forVerification(provider, body).map(({ number, consumer, pending }) => ({
          shortDescription: `of ${consumer}`,
          verificationProperties: { pending, notices: [{ when: 'before_verification', text: `pending: ${pending}` }] },
          _links: { self: { href: `${base}/pacts/${number}`, name: `Pact between ${consumer} and ${provider}` } },
        }))
        return [200, { _embedded: { pacts }, _links: self(`/pacts/provider/${provider}/for-verification`) }]
      },
    ],
    [
      'GET',
      /^\/pacts\/(\d+)$/,
      ([number = '']) => {
        const contract = known.contract(Number(number))
        const links = {
          ...self(`/pacts/${number}`),
          'pb:provider': { href: `${base}/pacticipants/${contract.provider}` },
          'pb:publish-verification-results': { href: `${base}/pacts/${number}/verification-results` },
        }
        return [200, { ...contentsOf(contract), _links: links }]
      },
    ],
    [
      'POST',
      /^\/pacts\/(\d+)\/verification-results$/,
      ([number = ''], { body }) => {
        known.verified(Number(number), body)
        return [201, { _links: self(`/pacts/${number}/verification-results/1`) }]
      },
    ],
    [
      'GET',
      /^\/pacticipants\/([^/]+)$/,
      ([name = '']) => {
        if (!known.knows(name)) return [404, {}]
        const branches = template(`/pacticipants/${name}/branches/{branch}/versions/{version}`)
        return [200, { name, _links: { ...self(`/pacticipants/${name}`), 'pb:branch-version': branches } }]
      },
    ],
    [
      'PUT',
      /^\/pacticipants\/([^/]+)\/branches\/([^/]+)\/versions\/([^/]+)$/,
      ([name = '', branch = '', version = '']) => {
        known.onBranch({ name, branch, version })
        return [200, { _links: self('/') }]
      },
    ],
    [
      'GET',
      /^\/pacticipants\/([^/]+)\/versions\/([^/]+)$/,
      ([name = '', version = '']) => {
        if (!known.exists({ name, version })) return [404, {}]
        const path = `/pacticipants/${name}/versions/${version}`
        const deployed = { name: 'production', href: `${base}${path}/deployed-versions/environment/1` }
        return [200, { number: version, _links: { ...self(path), 'pb:record-deployment': [deployed] } }]
      },
    ],
    [
      'POST',
      /^\/pacticipants\/([^/]+)\/versions\/([^/]+)\/deployed-versions\/environment\/1$/,
      ([name = '', version = '']) => {
        known.deployed({ name, version })
        return [201, { _links: self('/') }]
      },
    ],
    [
      'GET',
      /^\/matrix$/,
      (_, { query }) => {
        const [name, version] = [query.get('q[][pacticipant]') ?? '', query.get('q[][version]') ?? '']
        if (!known.knows(name)) return [400, { errors: [`Pacticipant ${name} not found`] }]
        return [200, known.matrix({ name, version, ignored: query.getAll('ignore[][pacticipant]') })]
      },
    ],
  ]
}
