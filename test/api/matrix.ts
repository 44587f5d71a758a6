import assert from 'node:assert/strict'
import { createHmac, type KeyObject } from 'node:crypto'
import { SCOPES, type Scope } from '../../src/domain/principal.ts'
import { type IssuerKey, makeKey, signer, type TestIssuer, tokenByHand } from '../support/issuer.ts'
import { bearer } from '../support/tokens.ts'
import type { Method, OpenApi } from './client.ts'
import { type Call, callsOf, changes, neededBy } from './documented.ts'

export type Sent = { status: number; headers: Record<string, unknown>; text: string }
export type Transport = (asked: {
  method: Method
  url: string
  headers: Record<string, string>
  payload: string | undefined
}) => Promise<Sent>

/** What a request shows of who sends it. `token` null: nothing. `search`: put behind the path. */
type Showing = { what: string; headers: Record<string, string>; search?: string }

/** Nobody of these tests works there. */
export const ELSEWHERE = 'B999'
/** No operation of this service is open to everybody but these: whoever runs it asks them of a process, not of anybody's data. */
const OPEN = /^\/health\//
const READING: Scope[] = ['users:read', 'users:audit', 'operate']
const CHANGING: Scope[] = ['users:write', 'roles:write', 'operate']
/** What reaches users, and is limited to those of branches where the token is. */
const LIMITED: Scope[] = ['users:write', 'roles:write']
const AN_HOUR_S = 3_600
/** By which a process refuses what it does not know, whoever asks. */
const NO_SUCH_METHOD = [405, 501]

export type Matrix = {
  document: OpenApi
  issuer: TestIssuer
  ask: Transport
  /** All that a command would move. */
  written(): Promise<unknown>
  /** Before each operation: somebody whom commands may change. */
  prepare(): Promise<void>
}

/**
 * Every operation of the document (`among`: those whose names these are) × every way to be refused, and to be let in. Answers
 * what is wrong, in words; all well: nothing.
 */
export async function faultsIn(matrix: Matrix, among?: readonly string[]): Promise<string[]> {
  const faults: string[] = []
  const badTokens = refusedTokens(matrix.issuer)
  for (const call of callsOf(matrix.document).filter(({ name }) => among?.includes(name) ?? true)) {
    await matrix.prepare()
    const found = OPEN.test(call.template) ? await openFaults(matrix, call) : await callFaults(matrix, call, badTokens)
    faults.push(...found.map((fault) => `${call.name}: ${fault}`))
  }
  return faults
}

async function openFaults({ ask }: Matrix, call: Call): Promise<string[]> {
  const faults = call.scopes === null ? [] : ['is to be open, and has a security requirement']
  const { status } = await ask(requestOf(call, {}))
  return status === 200 ? faults : [...faults, `without a token it is ${status}`]
}

async function callFaults(matrix: Matrix, call: Call, badTokens: (scopes: Scope[]) => Showing[]): Promise<string[]> {
  const { document, written } = matrix
  const [scope, ...more] = call.scopes ?? []
  if (scope === undefined) return ['has no security requirement']
  const faults = more.length === 0 ? [] : ['needs more than one scope']
  if (!(changes(call) ? CHANGING : READING).includes(scope)) faults.push(`needs ${scope}, which is not for that`)
  const needed = neededBy(document, call)
  // Let in first: whoever is remembered, in whatever way, must not open the way to those who come behind.
  if (!changes(call)) faults.push(...(await letIn(matrix, call, needed)))
  const before = await written()
  for (const showing of badTokens(needed)) {
    faults.push(...(await refusals(matrix, call, showing, { status: 401, code: /^token-(missing|invalid)$/ })))
  }
  for (const missing of needed) faults.push(...(await withoutScope(matrix, call, missing)))
  if (LIMITED.includes(scope)) faults.push(...(await ofElsewhere(matrix, call, needed)))
  try {
    assert.deepEqual(await written(), before)
  } catch {
    faults.push('was refused, and something was written')
  }
  if (changes(call)) faults.push(...(await letIn(matrix, call, needed)))
  return faults
}

async function withoutScope(matrix: Matrix, call: Call, missing: Scope): Promise<string[]> {
  const scopes = SCOPES.filter((one) => one !== missing)
  const headers = withToken(matrix.issuer.token({ scope: scopes.join(' ') }))
  return refusals(
    matrix,
    call,
    { what: `all scopes but ${missing}`, headers },
    { status: 403, code: /^missing-scope$/ },
  )
}

/** Whoever may read users is told; whoever may not cannot tell it from there being none. */
async function ofElsewhere(matrix: Matrix, call: Call, needed: Scope[]): Promise<string[]> {
  const showing = (what: string, scopes: Scope[]) => ({
    what: `a token of other branches that ${what}`,
    headers: withToken(matrix.issuer.token({ scope: scopes.join(' '), branches: [ELSEWHERE] })),
  })
  const told = { status: 403, code: /^not-your-branch$/ }
  const isOfUser = call.template.includes('{userId}')
  return [
    ...(await refusals(matrix, call, showing('may read', [...needed, 'users:read']), told)),
    ...(await refusals(
      matrix,
      call,
      showing('may not read', needed),
      isOfUser ? { status: 404, code: /^user-not-found$/ } : told,
    )),
  ]
}

type Wanted = { status: number; code: RegExp }

async function refusals(matrix: Matrix, call: Call, showing: Showing, wanted: Wanted): Promise<string[]> {
  const faults: string[] = []
  for (const one of withHead(call)) {
    const { status, headers, text } = await matrix.ask(requestOf(one, showing.headers, showing.search))
    const about = `${one.method} with ${showing.what} is ${status}`
    // A query that no route takes is refused too, but only from somebody who was let in.
    if (status !== wanted.status) faults.push(`${about}, not ${wanted.status}: ${text.slice(0, 200)}`)
    else if (wanted.status !== 404 && isUnexplained(headers, wanted)) faults.push(`${about} without a challenge`)
    else if (one.method === 'HEAD' ? text !== '' : !wanted.code.test(codeIn(text))) faults.push(`${about}: ${text}`)
  }
  return faults
}

/** RFC 9110 section 11.6.1, RFC 6750 section 3: a 401 says how it is done better; a 403 for a scope says which. */
function isUnexplained(headers: Sent['headers'], { status, code }: Wanted): boolean {
  const isAboutToken = status === 401 || code.test('missing-scope')
  return isAboutToken && !String(headers['www-authenticate']).startsWith('Bearer realm=')
}

async function letIn(matrix: Matrix, call: Call, needed: Scope[]): Promise<string[]> {
  const faults: string[] = []
  const scope = needed.join(' ')
  const tokens = [
    ['exactly the scope', matrix.issuer.token({ scope })],
    // Branches limit what is written, not what is read.
    ...(changes(call) ? [] : [['branches', matrix.issuer.token({ scope, branches: [ELSEWHERE] })]]),
  ]
  for (const [what, token = ''] of tokens) {
    for (const one of withHead(call)) {
      const { status, text } = await matrix.ask(requestOf(one, withToken(token)))
      const isUnderstood = status < 500 && ![400, 401, 403, 405, 415].includes(status)
      if (!isUnderstood) faults.push(`${one.method} with ${what} is ${status}: ${text.slice(0, 200)}`)
    }
  }
  return faults
}

/** HEAD is answered wherever GET is, and stands in no document. */
function withHead(call: Call): Call[] {
  return call.method === 'GET' ? [call, { ...call, method: 'HEAD' }] : [call]
}

function requestOf({ method, url, body, mediaType }: Call, shown: Record<string, string>, search = '') {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const typed = payload === undefined || mediaType === undefined ? shown : { ...shown, 'content-type': mediaType }
  return { method, url: url + search, headers: typed, payload }
}

export const withToken = (token: string) => ({ authorization: bearer(token) })

function codeIn(text: string): string {
  try {
    return String(JSON.parse(text).code)
  } catch {
    return ''
  }
}

/** Methods that the document does not name, of the paths that it names: nothing may answer them but that there is none. */
export async function methodFaults({ document, ask }: Matrix, methods: readonly string[]): Promise<string[]> {
  const faults: string[] = []
  for (const call of callsOf(document)) {
    const named = Object.keys(document.paths[call.template] ?? {}).map((method) => method.toUpperCase())
    const others = methods.filter((method) => !named.includes(method) && !(method === 'HEAD' && named.includes('GET')))
    for (const method of others) {
      const { status } = await ask({ method: method as Method, url: call.url, headers: {}, payload: undefined })
      if (!NO_SUCH_METHOD.includes(status)) faults.push(`${method} ${call.template} is ${status}`)
    }
  }
  return [...new Set(faults)]
}

/** Everything by which a token can be no good while it says all that is needed. */
function refusedTokens(issuer: TestIssuer): (scopes: Scope[]) => Showing[] {
  const stranger = makeKey('ES256', { kid: issuer.key.kid })
  return (scopes) => {
    const scope = scopes.join(' ')
    const nowS = Math.floor(Date.now() / 1_000)
    const good = issuer.token({ scope })
    const shown = (what: string, token: string): Showing => ({ what, headers: withToken(token) })
    return [
      { what: 'no token', headers: {} },
      { what: 'a token in the query', headers: {}, search: `?access_token=${good}` },
      { what: 'a token in a cookie', headers: { cookie: `access_token=${good}; authorization=${good}` } },
      { what: 'a token by another scheme', headers: { authorization: `Basic ${good}` } },
      { what: 'a token without a scheme', headers: { authorization: good } },
      {
        what: 'a name, as a proxy would say it',
        headers: { 'x-forwarded-user': 'admin', 'x-client-subject': 'admin' },
      },
      shown('an empty token', ''),
      shown('an expired token', issuer.token({ scope, iat: nowS - 2 * AN_HOUR_S, exp: nowS - AN_HOUR_S })),
      shown('a token that is not valid yet', issuer.token({ scope, nbf: nowS + AN_HOUR_S })),
      shown('a token without an end', issuer.token({ scope, exp: undefined })),
      shown('a token for another audience', issuer.token({ scope, aud: 'another-service' })),
      shown('a token for nobody', issuer.token({ scope, aud: undefined })),
      shown('a token of another issuer', issuer.token({ scope, iss: 'https://elsewhere.example' })),
      shown('a token of another type', issuer.token({ scope }, { header: { typ: 'logout+jwt' } })),
      shown('a token of a stranger’s key', issuer.token({ scope }, { key: stranger })),
      ...wrongAlgorithms(issuer, scope).map(([what, token]) => shown(what, token)),
      shown('a token that was given more scopes', withClaims(issuer.token({ scope: '' }), { scope })),
      shown(
        'a token that lives longer',
        withClaims(issuer.token({ scope, exp: nowS - AN_HOUR_S }), { exp: nowS + 60 }),
      ),
      shown('a token without its signature', `${good.slice(0, good.lastIndexOf('.'))}.`),
      shown('a signature that was changed', changedSignature(good)),
    ]
  }
}

function wrongAlgorithms({ key, token, name, audience }: TestIssuer, scope: string): [string, string][] {
  const claims = claimsIn(token({ scope, iss: name, aud: audience }))
  const asHmac = (secret: Buffer | string) =>
    tokenByHand({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' }, claims, (input) =>
      createHmac('sha256', secret).update(input).digest(),
    )
  return [
    ['HMAC with the public key as PEM', asHmac(pemOf(key.publicKey))],
    ['HMAC with the public key as JWK', asHmac(JSON.stringify(key.jwk))],
    ['HMAC with an empty secret', asHmac('')],
    ['alg none', tokenByHand({ alg: 'none', typ: 'at+jwt' }, claims, () => Buffer.alloc(0))],
    [
      'alg none, and a signature',
      tokenByHand({ alg: 'nOnE', kid: key.kid, typ: 'at+jwt' }, claims, () => Buffer.from('x')),
    ],
    ['an algorithm that is not on the list', byOther(OTHER, claims)],
    [
      'another algorithm’s name on it',
      tokenByHand({ alg: 'ES384', kid: key.kid, typ: 'at+jwt' }, claims, signer('ES256', key.privateKey)),
    ],
  ]
}

/** The issuer has this key as well, and signs with it; AUTH_ALGORITHMS does not hold what it signs by. */
export const OTHER: IssuerKey = makeKey('ES384')
const byOther = ({ alg, kid, privateKey }: IssuerKey, claims: object) =>
  tokenByHand({ alg, kid, typ: 'at+jwt' }, { ...claims }, signer(alg, privateKey))

const pemOf = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }))

function claimsIn(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

/** As somebody would who has the token, and no key. */
function withClaims(token: string, changed: object): string {
  const [head, , signature] = token.split('.')
  const claims = Buffer.from(JSON.stringify({ ...claimsIn(token), ...changed })).toString('base64url')
  return [head, claims, signature].join('.')
}

function changedSignature(token: string): string {
  const at = token.lastIndexOf('.') + 1
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
