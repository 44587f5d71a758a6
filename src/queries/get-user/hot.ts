import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_USER_ID } from '../../domain/user.ts'
import type { HotObserver } from '../../ports/metrics.ts'
import type { NearCache } from '../../projections/near/near-cache.ts'
import {
  headNotModified,
  headWithBody,
  type NearAnswer,
  type NearUser,
  nearAnswer,
} from '../../projections/near/near-user.ts'
import type { UserReads } from '../../projections/near/near-views.ts'
import { isKnown } from '../../projections/user/shown.ts'
import { noneMatch, type TagBase, userEtag } from '../../wire/etag.ts'
import { ANY_VERSION, parseMinVersion } from '../../wire/min-version.ts'
import type { ReadAge } from '../../wire/read-age.ts'
import type { ReadFrom } from '../../wire/source.ts'

export type Deps = {
  /** Null: nothing is kept in this process. */
  users: Pick<NearCache<number, NearUser>, 'get'> | null
  views: Pick<UserReads, 'byId'>
  tagBase: TagBase
  /** For the answer; `given` is the caller's X-Request-Id. */
  requestId(given: string | undefined): string
  readAge: ReadAge
  /** Of who may read users, and is within their limits; it is counted. Null: the router sees to it. */
  admit(authorization: string | undefined): Admitted | null
  /** Who was admitted is not answered here: the router counts them itself. */
  giveBack(authorization: string | undefined): void
  observer: HotObserver
}
/** `personal`: may see what is personal, and is answered with it. `head`: names and values by turns, for the answer. */
export type Admitted = { personal: boolean; head: string[] }
/** Answers, or calls `next`, once, having done nothing. */
export type Shortcut = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

const PATH = '/v1/users/'
const MAX_DIGITS = String(MAX_USER_ID).length
const [ZERO, NINE] = [48, 57]

/**
 * The hot read, before the router: a plain GET of a user who is there. Its answer is the route's to the last byte
 * (hot.long.test.ts compares them); whatever is unusual about a request, and every failure, is the router's.
 */
export function hotGetUser({ users, views, tagBase, requestId, readAge, admit, giveBack, observer }: Deps): Shortcut {
  const answer = (response: ServerResponse, asked: Asked, by: Admitted, shown: NearAnswer, from: ReadFrom) => {
    const sendsBody = noneMatch(asked.ifNoneMatch, shown.etag)
    const age = readAge(from)
    const readHead = age === null ? ['read-from', from] : ['read-from', from, 'read-age', age]
    const head = sendsBody ? headWithBody(shown, readHead) : headNotModified(shown, readHead)
    const always = ['x-request-id', requestId(asked.requestId), 'x-content-type-options', 'nosniff']
    response.writeHead(sendsBody ? 200 : 304, [...always, ...by.head, ...head])
    // One string with the head is one write; a Buffer would be a second, and costs as much as all the rest.
    if (sendsBody) response.end(shown.body, 'latin1')
    else response.end()
    observer.answered(from, sendsBody, asked.begunAtMs)
  }
  return (request, response, next) => {
    if (request.method !== 'GET' || request.httpVersionMinor !== 1) return next()
    const userId = userIdOf(request.url ?? '')
    const asked = userId === 0 ? null : askedIn(request.rawHeaders, observer.begun())
    if (asked === null) return next()
    const by = admit(asked.authorization)
    if (by === null) return next()
    const near = users?.get(userId)
    if (near && near.version >= asked.minVersion) {
      return answer(response, asked, by, by.personal ? near.full : near.bare, 'near')
    }
    const passOn = (): void => {
      giveBack(asked.authorization)
      next()
    }
    views.byId(userId, asked.minVersion).then((found) => {
      if (!isKnown(found) || found.stale) return passOn()
      const tag = userEtag(tagBase, by.personal, found.version)
      answer(response, asked, by, nearAnswer(found.bodies, by.personal, tag), found.from)
    }, passOn)
  }
}

/** 0 when the path is any other, or the id not written as the route's own pattern wants it. */
function userIdOf(url: string): number {
  const digits = url.length - PATH.length
  if (digits < 1 || digits > MAX_DIGITS || !url.startsWith(PATH)) return 0
  let userId = 0
  for (let i = PATH.length; i < url.length; i += 1) {
    const code = url.charCodeAt(i)
    if (code < ZERO || code > NINE || (userId === 0 && code === ZERO)) return 0
    userId = 10 * userId + (code - ZERO)
  }
  return userId <= MAX_USER_ID ? userId : 0
}

type Asked = {
  ifNoneMatch: string | undefined
  minVersion: number
  requestId: string | undefined
  authorization: string | undefined
  /** 0: nobody wants to know how long it takes. */
  begunAtMs: number
}
const IGNORED = 0
const IF_NONE_MATCH = 1
const MIN_VERSION = 2
const REQUEST_ID = 3
const HOST = 4
const AUTHORIZATION = 5

/** Headers that mean nothing to the route. One that is not here may mean something one day, to a hook for example. */
const HEADERS = new Map<string, number>([
  ['if-none-match', IF_NONE_MATCH],
  ['min-version', MIN_VERSION],
  ['x-request-id', REQUEST_ID],
  ['host', HOST],
  ['authorization', AUTHORIZATION],
  ...[
    ...['connection', 'user-agent', 'accept', 'accept-encoding', 'accept-language'],
    ...['cache-control', 'dnt', 'priority', 'referer', 'via', 'forwarded', 'x-real-ip'],
    ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-scheme'],
    ...['traceparent', 'tracestate', 'baggage', 'newrelic', 'x-request-deadline'],
    ...['sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'sec-fetch-user', 'sec-ch-ua', 'sec-ch-ua-mobile'],
    ...['sec-ch-ua-platform', 'upgrade-insecure-requests'],
  ].map((name): [string, number] => [name, IGNORED]),
])

/**
 * `rawHeaders`, because Node makes the object `headers` only when somebody asks for it. Null: something is there, or is
 * there twice, or is not there, that only the router understands.
 */
function askedIn(rawHeaders: string[], begunAtMs: number): Asked | null {
  let [ifNoneMatch, minVersion, requestId, authorization]: (string | undefined)[] = []
  let hasHost = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const value = rawHeaders[i + 1]
    switch (HEADERS.get(name) ?? HEADERS.get(name.toLowerCase())) {
      case IGNORED:
        break
      case HOST:
        if (hasHost) return null
        hasHost = true
        break
      case IF_NONE_MATCH:
        if (ifNoneMatch !== undefined) return null
        ifNoneMatch = value
        break
      case MIN_VERSION:
        if (minVersion !== undefined) return null
        minVersion = value
        break
      case AUTHORIZATION:
        if (authorization !== undefined) return null
        authorization = value
        break
      case REQUEST_ID:
        if (requestId !== undefined) return null
        requestId = value
        break
      default:
        return null
    }
  }
  const least = minVersion === undefined ? ANY_VERSION : parseMinVersion(minVersion)
  if (!hasHost || !least) return null
  return { ifNoneMatch, minVersion: least.user, requestId, authorization, begunAtMs }
}
