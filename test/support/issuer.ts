import { constants, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Signs what stands before a token's last dot. */
export type Signer = (input: string) => Buffer
export type IssuerKey = {
  kid: string
  alg: string
  /** As a key set shows it. */
  jwk: Record<string, unknown>
  privateKey: KeyObject
  publicKey: KeyObject
}
type Claims = Record<string, unknown>
type Header = Record<string, unknown>

/**
 * How the issuer answers: the key set, at once or when told to; nothing, on a connection that is closed or never written to;
 * something else. `partial`: begins an answer and leaves it. `huge`: the set, and blanks.
 */
export type Answering =
  | { kind: 'keys'; status?: number; after?: Promise<void> }
  | { kind: 'closed' | 'silent' | 'partial' | 'huge' }
  | { kind: 'text'; status?: number; text: string }
  | { kind: 'redirect'; to: string }

const RSA_BITS = 2_048
const CURVES: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
const AN_HOUR_S = 3_600
const HUGE_BYTES = 8_000_000

/** A key pair of the kind that `alg` takes. */
export function makeKey(
  alg: string,
  { kid = randomUUID(), bits = RSA_BITS }: { kid?: string; bits?: number } = {},
): IssuerKey {
  const { privateKey, publicKey } = pairFor(alg, bits)
  return { kid, alg, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }, privateKey, publicKey }
}

function pairFor(alg: string, bits: number): { privateKey: KeyObject; publicKey: KeyObject } {
  const curve = CURVES[alg]
  if (curve !== undefined) return generateKeyPairSync('ec', { namedCurve: curve })
  return /^[RP]S/.test(alg) ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519')
}

/** RFC 7518 section 3, by OpenSSL alone: what the service verifies with had no part in it. */
export function signer(alg: string, key: KeyObject | string): Signer {
  const hash = `sha${alg.slice(2)}`
  if (alg.startsWith('HS')) return (input) => createHmac(hash, key).update(input).digest()
  const pem = key as KeyObject
  if (alg.startsWith('RS')) return (input) => sign(hash, Buffer.from(input), pem)
  if (alg.startsWith('ES')) return (input) => sign(hash, Buffer.from(input), { key: pem, dsaEncoding: 'ieee-p1363' })
  if (!alg.startsWith('PS')) return (input) => sign(null, Buffer.from(input), pem)
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
  return (input) => sign(hash, Buffer.from(input), { key: pem, padding, saltLength })
}

/** A token of just these parts, whatever they are. */
export function tokenByHand(header: Header | string, claims: Claims | string, by: Signer): string {
  const encoded = [header, claims].map((part) =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url'),
  )
  const input = encoded.join('.')
  return `${input}.${by(input).toString('base64url')}`
}

export type TestIssuer = Awaited<ReturnType<typeof startIssuer>>

/** An issuer on loopback: a key set over HTTP, and tokens. `alg`: of its first key. */
export async function startIssuer(alg = 'ES256') {
  const name = 'https://issuer.example'
  const audience = 'users-service'
  const first = makeKey(alg)
  let published: unknown[] = [first.jwk]
  let answering: Answering = { kind: 'keys' }
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response, answering, published)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const jwksUrl = `http://127.0.0.1:${port}/keys`
  return {
    name,
    audience,
    jwksUrl,
    /** The key that tokens are signed with unless another is named. */
    key: first,
    /** What the service is set to. */
    environment: { AUTH_ISSUER: name, AUTH_AUDIENCE: audience, AUTH_JWKS_URL: jwksUrl },
    /** Paths that were asked for. */
    asked,
    /** What the set holds from here on: keys, or whatever else. */
    publish: (...keys: (IssuerKey | object)[]): void => {
      published = keys.map((key) => ('jwk' in key ? key.jwk : key))
    },
    answer: (how: Answering | 'keys'): void => {
      answering = how === 'keys' ? { kind: 'keys' } : how
    },
    /** One that is good, but for what is given: claims and header fields that are undefined are left out. */
    token: (claims: Claims = {}, { key = first, header = {} }: { key?: IssuerKey; header?: Header } = {}): string =>
      tokenByHand(
        { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header },
        { ...goodClaims(name, audience), ...claims },
        signer(key.alg, key.privateKey),
      ),
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function goodClaims(iss: string, aud: string): Claims {
  const iat = Math.floor(Date.now() / 1_000)
  return {
    iss,
    aud,
    sub: 'zofia',
    client_id: 'till',
    scope: 'users:read',
    iat,
    exp: iat + AN_HOUR_S,
    jti: randomUUID(),
  }
}

function answer(request: IncomingMessage, response: ServerResponse, how: Answering, keys: unknown[]): void {
  const json = { 'content-type': 'application/json' }
  const set = JSON.stringify({ keys })
  switch (how.kind) {
    case 'keys': {
      const send = () => void response.writeHead(how.status ?? 200, json).end(set)
      if (how.after) how.after.then(send)
      else send()
      return
    }
    case 'closed':
      return void request.socket.destroy()
    case 'silent':
      return
    case 'partial':
      return void response.writeHead(200, json).write('{"keys":[')
    case 'huge':
      return void response.writeHead(200, json).end(set + ' '.repeat(HUGE_BYTES))
    case 'text':
      return void response.writeHead(how.status ?? 200, json).end(how.text)
    case 'redirect':
      return void response.writeHead(302, { location: how.to }).end()
  }
}
