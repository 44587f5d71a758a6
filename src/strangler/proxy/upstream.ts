import http, { type ClientRequest } from 'node:http'
import https from 'node:https'
import { MAX_ANSWER_HEAD_BYTES } from './limits.ts'
import type { TraceContext } from './parts.ts'
import type { RawHeaders } from './raw-headers.ts'
import type { RequestHead } from './request-head.ts'

export type Upstream = ReturnType<typeof upstream>
type Options = {
  url: string
  /** Idle connections that are kept. */
  concurrent: number
  idleMs: number
  tracing?: TraceContext | null
}

/** Where the legacy application is, and the connections to it. */
export function upstream({ url: text, concurrent, idleMs, tracing }: Options) {
  const url = new URL(text)
  const isEncrypted = url.protocol === 'https:'
  const { request, Agent } = isEncrypted ? https : http
  // How many there are at the same time is bounded by whoever asks: a queue here would be one that nobody sees.
  const kept = new Agent({ keepAlive: true, scheduling: 'lifo', maxFreeSockets: concurrent, timeout: idleMs })
  const fresh = new Agent({ keepAlive: false })
  const where = {
    // Brackets belong to the URL, not to the address.
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isEncrypted ? 443 : 80) : Number(url.port),
    maxHeaderSize: MAX_ANSWER_HEAD_BYTES,
    insecureHTTPParser: false,
  }
  return {
    /** Without the slash at its end; empty when there is none. */
    prefix: url.pathname.replace(/\/+$/, ''),
    authority: url.host,
    /** When a new connection is ready to be written to. */
    readyEvent: isEncrypted ? 'secureConnect' : 'connect',
    /**
     * `isKept`: over a connection that others have used before. It may be closed in the moment in which the request is
     * sent: only for requests that may be sent again.
     */
    open({ method, path, headers }: RequestHead, isKept: boolean): ClientRequest {
      // New Relic's agent adds its own to a flat list as pairs, of which Node makes no header: with it, all are pairs.
      const lines = tracing ? pairsOf(headers) : headers
      const outgoing = request({ ...where, method, path, headers: lines as RawHeaders, agent: isKept ? kept : fresh })
      // It is bounded in bytes, and none is dropped without a word.
      outgoing.maxHeadersCount = 0
      return outgoing
    },
    close(): void {
      kept.destroy()
      fresh.destroy()
    },
  }
}

function pairsOf(headers: RawHeaders): [string, string][] {
  return headers.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : []))
}
