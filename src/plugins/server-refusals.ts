/** What is refused before there is a request that Fastify knows of. */
export type ServerRefusal = { status: number; code: string; detail: string }

/** Of https://nodejs.org/api/errors.html and llhttp's; anything else is bytes that are no HTTP. */
export const OF_NODE: Record<string, ServerRefusal> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request-timeout', detail: 'The request did not arrive in time.' },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'headers-too-large', detail: 'The path and headers are too large.' },
}
export const TOO_MANY_HEADERS: ServerRefusal = {
  status: 431,
  code: 'headers-too-large',
  detail: 'There are too many header lines.',
}
export const URL_TOO_LONG: ServerRefusal = { status: 414, code: 'uri-too-long', detail: 'The URL is too long.' }
export const NO_HTTP: ServerRefusal = { status: 400, code: 'invalid-request', detail: 'This is not HTTP/1.1.' }
export const UNKNOWN_METHOD: ServerRefusal = { status: 501, code: 'method-unknown', detail: 'There is no such method.' }
export const UNKNOWN_EXPECTATION: ServerRefusal = {
  status: 417,
  code: 'expectation-failed',
  detail: 'Of expectations only 100-continue is known.',
}

/** For the document. */
export const SERVER_REFUSALS = [...Object.values(OF_NODE), UNKNOWN_METHOD, UNKNOWN_EXPECTATION]
