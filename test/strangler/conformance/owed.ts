import type { Outcome } from './compare.ts'
import { type Header, tokensOf, valuesOf } from './message.ts'

/** Of one connection, and never passed on, whoever sent them (RFC 9110, 7.6.1). */
const NOT_PASSED_ON = ['keep-alive', 'proxy-connection', 'te']
const CLIENT = '127.0.0.1'

/**
 * What our proxy owes beside passing on, and the comparison does not look at: the legacy application is told who asked
 * and by what way, once each, and nothing that was said of the client's own connection; the client, who answered.
 * `direct`: the same case without a proxy.
 */
export function notKept(direct: Outcome, proxied: Outcome): string[] {
  const requests = proxied.received.flatMap((list, i) =>
    list.flatMap(({ headers }) => ofRequest(direct.received[i]?.[0]?.headers ?? [], headers)),
  )
  const isPassedOn = proxied.received.every(({ length }) => length > 0)
  const answers = isPassedOn ? proxied.heard.answers.flatMap(({ headers }) => ofAnswer(headers)) : []
  return [...requests, ...answers]
}

function ofRequest(sent: Header[], got: Header[]): string[] {
  const value = (name: string) => valuesOf(got, name).join(' | ')
  const wanted: [what: string, isKept: boolean][] = [
    ['Via names us last', /\b1\.[01] users-service$/.test(value('via'))],
    ['X-Forwarded-For', value('x-forwarded-for') === CLIENT],
    ['X-Forwarded-Proto', value('x-forwarded-proto') === 'http'],
    ['X-Forwarded-Host', value('x-forwarded-host') === value('host')],
    ['X-Forwarded-Port', /^\d+$/.test(value('x-forwarded-port'))],
    ['Forwarded', new RegExp(`^[^|,]*for="?${CLIENT}`, 'i').test(value('forwarded'))],
    ['X-Request-Id, one', valuesOf(got, 'x-request-id').length === 1],
    ['no name with _, which WSGI takes for another', got.every(([name]) => !name.includes('_'))],
    ...NOT_PASSED_ON.map((name): [string, boolean] => [`no ${name}`, valuesOf(got, name).length === 0]),
    ...tokensOf(sent, 'connection')
      .filter((name) => !['close', 'keep-alive', 'upgrade', 'te'].includes(name))
      .map((name): [string, boolean] => [`no ${name}, which Connection named`, valuesOf(got, name).length === 0]),
  ]
  return wanted.flatMap(([what, isKept]) => (isKept ? [] : [`${what}: ${got.map((one) => one.join(': ')).join(', ')}`]))
}

function ofAnswer(headers: Header[]): string[] {
  return [
    ...(valuesOf(headers, 'answered-by').at(-1) === 'legacy' ? [] : ['Answered-By: legacy']),
    ...(valuesOf(headers, 'x-request-id').length === 1 ? [] : ['X-Request-Id, one']),
  ]
}
