/** As in src/config-legacy.ts. */
export type LegacyTimes = {
  connectMs: number
  /** From the end of the request to the head of the answer. */
  deadlineMs: number
  /** Without a byte in either direction. */
  silenceMs: number
  /** The same of event streams and tunnels. */
  streamSilenceMs: number
}

/** Heads with many cookies are large; more than this is no answer that was meant. */
export const MAX_ANSWER_HEAD_BYTES = 65_536
/** Interim answers on one request: more than anybody sends who means them. */
export const MAX_INTERIM = 20
/**
 * For so long the rest of a request is still taken in, and thrown away, after its answer: closed at once, a connection
 * is reset, and a client that still sends may lose the answer (RFC 9112 section 9.6).
 */
export const LINGER_MS = 1_000
