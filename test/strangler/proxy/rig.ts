import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, createServer as createRawServer, type Server as RawServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { freePort } from '../../../src/adapters/redis/free-port.ts'
import type { Log } from '../../../src/ports.ts'
import {
  type LegacyApplication,
  type LegacyOptions,
  legacyApplication,
  type Passed,
} from '../../../src/strangler/proxy/legacy-application.ts'
import type { LegacyGuard } from '../../../src/strangler/proxy/parts.ts'

const WAIT_LIMIT_MS = 10_000
const POLL_MS = 5

/** As of test/support/service.ts, which would bring the whole service with it. */
export async function until(what: string, condition: () => boolean, limitMs = WAIT_LIMIT_MS): Promise<void> {
  const latestMs = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > latestMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

const ignore = () => undefined
export const quiet: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Bounds and breaks nothing. */
export const UNGUARDED: LegacyGuard = { run: async (_signal, { head, rest }) => rest(await head()) }
export const COPY_UP_TO_BYTES = 1_000
export const REQUEST_ID = 'request-1'

export type Rig = {
  port: number
  application: LegacyApplication
  /** What became of each request, in the order in which they ended. */
  passed: Passed[]
  /** The raw bytes of all that is answered until the connection is closed; `more` is sent once `after` has come. */
  ask(text: string): Promise<string>
  talk(): Promise<Talk>
}
export type Talk = { socket: Socket; text(): string; until(part: string): Promise<string>; closed(): Promise<string> }

type Given = Partial<Omit<LegacyOptions, 'url'>>

/** The proxy before a server of plain Node, as the service has it. */
export async function startProxy(t: TestContext, url: string, given: Given = {}): Promise<Rig> {
  const application = legacyApplication({
    ...{ url, connectMs: 1_000, deadlineMs: 5_000, silenceMs: 5_000, streamSilenceMs: 5_000 },
    ...{ concurrent: 64, idleMs: 1_000, streams: 8, trustedProxies: [], withheld: () => false },
    ...{ guard: UNGUARDED, log: quiet },
    ...given,
  })
  t.after(application.close)
  return startFront(t, application)
}

export async function startFront(t: TestContext, application: LegacyApplication): Promise<Rig> {
  const passed: Passed[] = []
  const pass = (request: IncomingMessage, response: ServerResponse) => {
    const given = request.headers['x-request-id']
    const requestId = typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : REQUEST_ID
    void application
      .pass(request, response, { requestId, copyUpToBytes: COPY_UP_TO_BYTES })
      .then((one) => void passed.push(one))
  }
  const server = createServer({ requireHostHeader: false }, pass)
  server.on('checkContinue', pass)
  server.on('upgrade', application.tunnel)
  const port = await listening(t, server)
  return {
    ...{ port, application, passed },
    talk: () => talkTo(t, port),
    async ask(text) {
      const talk = await talkTo(t, port)
      talk.socket.write(text, 'latin1')
      return talk.closed()
    },
  }
}

/** That of now, which an answer without one is given (RFC 9110 section 6.6.1): left out of what is compared. */
export const OUR_DATE = /\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g

/** `text`: what has come, in latin1, without OUR_DATE. */
export async function talkTo(t: TestContext, port: number): Promise<Talk> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  let all = ''
  let isClosed = false
  socket.setEncoding('latin1').on('data', (part) => {
    all += part
  })
  const text = () => all.replaceAll(OUR_DATE, '')
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
  })
  await once(socket, 'connect')
  return {
    socket,
    text,
    until: (part) =>
      until(`${JSON.stringify(part)} in ${JSON.stringify(text())}`, () => text().includes(part)).then(text),
    async closed() {
      await until('the connection to be closed', () => isClosed)
      return text()
    },
  }
}

/** Answers the port, to which the server may come back; it and its connections are ended with the test. */
export async function listening(t: TestContext, server: Server | RawServer, asked?: number): Promise<number> {
  const port = asked ?? (await freePort())
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return port
}

export type Raw = {
  url: string
  port: number
  server: RawServer
  connections: { socket: Socket; received(): string }[]
}

/** A legacy application of which each byte is written by the test. `onData`: called with all that has come so far. */
export async function startRaw(t: TestContext, onData: (received: string, socket: Socket) => void): Promise<Raw> {
  const connections: Raw['connections'] = []
  const server = createRawServer((socket) => {
    let received = ''
    connections.push({ socket, received: () => received })
    socket.on('error', () => undefined)
    socket.on('data', (part) => {
      received += part.toString('latin1')
      onData(received, socket)
    })
  })
  const port = await listening(t, server)
  return { url: `http://127.0.0.1:${port}`, port, server, connections }
}

/** Answers once the head of a request is there. */
export const answering = (answer: string) => (received: string, socket: Socket) => {
  if (received.endsWith('\r\n\r\n')) socket.write(answer, 'latin1')
}

/** A legacy application on Node's own server. */
export async function startLegacy(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const server = createServer(listener)
  const port = await listening(t, server)
  return { url: `http://127.0.0.1:${port}`, port, server }
}

export const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'
export const problemIn = (text: string) =>
  JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>
