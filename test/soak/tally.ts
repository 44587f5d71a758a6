import type { Reply } from './client.ts'

const MAX_KEPT = 40
const MAX_SHOWN_BODY = 600

export type Tally = ReturnType<typeof tally>

/** Everything that is counted, and what was found to be wrong, with what one needs to find out why. */
export function tally() {
  const requests = new Map<string, number>()
  const errors = new Map<string, number>()
  const sources = new Map<string, number>()
  const wrong: string[] = []
  let wrongAnswers = 0
  let refused = 0
  const count = (counts: Map<string, number>, key: string) => void counts.set(key, (counts.get(key) ?? 0) + 1)
  return {
    requests: requests as ReadonlyMap<string, number>,
    errors: errors as ReadonlyMap<string, number>,
    sources: sources as ReadonlyMap<string, number>,
    /** The first ones; `wrongAnswers` counts all. */
    wrong: wrong as readonly string[],
    wrongAnswers: () => wrongAnswers,
    calmRefusals: () => refused,
    /** 503 though no fault was on: not wrong, but there must be a reason, and a busy machine is the only one. */
    refusedInCalm(): void {
      refused += 1
    },
    request: (kind: string) => count(requests, kind),
    error: (code: string) => count(errors, code),
    source: (from: string) => count(sources, from),
    complain(text: string): void {
      wrongAnswers += 1
      if (wrong.length < MAX_KEPT) wrong.push(text)
    },
  }
}

export function describeReply({ api, request, status, header, text, sentAtMs, receivedAtMs }: Reply): string {
  const headers = Object.entries(request.headers).map(([name, value]) => ` ${name}: ${value}`)
  const asked = `${request.method} ${request.path}${headers.join('')}${request.body ? ` ${JSON.stringify(request.body)}` : ''}`
  const answered = ['read-from', 'etag', 'visibility', 'read-stale', 'age'].flatMap((name) =>
    header(name) === null ? [] : [` ${name}: ${header(name)}`],
  )
  return `${api}: ${asked}
    sent at ${Math.round(sentAtMs)}, answered after ${Math.round(receivedAtMs - sentAtMs)} ms: ${status}${answered.join('')}
    ${text.slice(0, MAX_SHOWN_BODY)}`
}
