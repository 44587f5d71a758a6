/**
 * Why a request was not carried out that another client, or another moment, might have had. `rate-…`: its caller has had
 * what one may have of that class. `bad-tokens`: its address has shown too many that are missing or bad. `overload-searches`
 * and `overload`: this process has too much to do. The others are about the request itself, or the connection.
 */
export const REFUSALS = [
  ...['rate-read', 'rate-search', 'rate-write', 'bad-tokens'],
  ...['overload-searches', 'overload'],
  ...['too-many-headers', 'url-too-long', 'body-too-deep', 'too-many-waiting'],
] as const
export type Refused = (typeof REFUSALS)[number]

/** What an overloaded process answers no more: searches, or all that it would have to ask somebody else for. */
export const SHEDDING = ['nothing', 'searches', 'all'] as const
export type Shedding = (typeof SHEDDING)[number]

export type RefusalObserver = { refused(why: Refused): void; shedding(what: Shedding): void }
