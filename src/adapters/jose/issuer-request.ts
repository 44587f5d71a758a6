import { Agent, request } from 'undici'

const DEADLINE_MS = 5_000
/** MAX_KEYS of the longest keys, with certificates, are less. */
export const MAX_SET_BYTES = 524_288
const MAX_HEADER_BYTES = 16_384
const OK = 200

/** Asks an issuer for its key set. A redirect is not followed: it would be somebody else's word for whose keys those are. */
export function issuerRequest(url: string, deadlineMs = DEADLINE_MS) {
  const agent = new Agent({
    connections: 1,
    pipelining: 1,
    connect: { timeout: deadlineMs },
    maxResponseSize: MAX_SET_BYTES,
    maxHeaderSize: MAX_HEADER_BYTES,
    allowH2: false,
  })
  return {
    /** Answers parsed JSON. Rejects with an Error whose message says what is wrong and holds nothing of the answer. */
    async get(): Promise<unknown> {
      const signal = AbortSignal.timeout(deadlineMs)
      const headers = { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' }
      const text = await textOf(request(url, { dispatcher: agent, signal, headers }))
      try {
        return JSON.parse(text)
      } catch {
        throw new Error('answers no JSON')
      }
    },
    /** What is under way fails. */
    stop(): void {
      agent.destroy().catch(() => undefined)
    },
  }
}

async function textOf(asked: ReturnType<typeof request>): Promise<string> {
  let status: number
  try {
    const { statusCode, body } = await asked
    status = statusCode
    if (status === OK) return await body.text()
    body.on('error', () => undefined).destroy()
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string }
    throw new Error(`does not answer in time or at all (${code ?? name ?? 'unknown'})`)
  }
  throw new Error(`answers with status ${status}`)
}
