import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `pages`: by path, what it answers; latin1. `port` 0: any. */
export type LegacyOrder = { port: number; pages: Record<string, string> } | { isRubbish: boolean }

export const SMALL_PATH = '/pages/small'
export const LARGE_PATH = '/pages/large'
export const FORM_PATH = '/forms'
/** Answers `?bytes=n` zeros. */
export const POUR_PATH = '/pour'
/** Reads whatever comes, and answers how much it was. */
export const SWALLOW_PATH = '/swallow'

const PART = Buffer.alloc(65_536)
const RUBBISH = 'This is no HTTP.\r\n\r\n'

/** As quick as Node can be, so that it is the way to it that is measured. */
const pages = new Map<string, Buffer>()
let isRubbish = false

const server = createServer((request, response) => {
  if (isRubbish) request.socket.end(RUBBISH)
  else answer(request, response)
})

process.on('message', (order: LegacyOrder) => {
  const tell = () => process.send?.({ port: (server.address() as AddressInfo).port })
  if ('isRubbish' in order) {
    isRubbish = order.isRubbish
    tell()
    return
  }
  for (const [path, body] of Object.entries(order.pages)) pages.set(path, Buffer.from(body, 'latin1'))
  server.listen(order.port, '127.0.0.1', tell)
})

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url = '' } = request
  const page = pages.get(url)
  if (page !== undefined) send(response, page)
  else if (url === FORM_PATH || url === SWALLOW_PATH) swallow(request, response)
  else if (url.startsWith(POUR_PATH)) pour(response, Number(new URLSearchParams(url.split('?')[1]).get('bytes')))
  else response.writeHead(404, { 'content-length': 0 }).end()
}

function send(response: ServerResponse, page: Buffer): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': page.length,
  })
  response.end(page)
}

function swallow(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0
  request.on('data', (part: Buffer) => {
    bytes += part.length
  })
  request.on('end', () => send(response, Buffer.from(String(bytes))))
}

function pour(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-length': bytes })
  let left = bytes
  const more = () => {
    while (left > 0) {
      const part = left < PART.length ? PART.subarray(0, left) : PART
      left -= part.length
      if (!response.write(part)) return
    }
    response.off('drain', more).end()
  }
  response.on('drain', more)
  more()
}
