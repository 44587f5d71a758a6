import { isIP } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { isBlock } from './config-legacy.ts'
import { ConfigError, integer } from './config-values.ts'

/**
 * What a token may be signed with: public-key signatures of RFC 7518 and RFC 8037 alone. With HMAC whoever verifies could
 * also sign, and a public key would do as the secret; `none` is no signature.
 */
export const ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
]
export type Algorithm = (typeof ALGORITHMS)[number]

/** Those of the domain (a test compares them): settings import nothing. */
export const SCOPE_NAMES = ['users:read', 'users:pii', 'users:write', 'roles:write', 'users:audit', 'operate'] as const
type ScopeName = (typeof SCOPE_NAMES)[number]
const CLAIM_NAME = /^[\x21-\x7e]{1,128}$/
const CLAIM = 'up to 128 visible ASCII characters'
const KEYS_URL = 'https://…, or http://… on this machine, without user, password and fragment'
const someOf = (names: readonly string[]) => `of ${names.join(', ')}: one or more, separated by commas`
const areOf = (names: readonly string[]) => (text: string) => text.split(',').every((name) => names.includes(name))

/** Settings of who may ask, and how they show it. */
export const AUTH_VARIABLES = {
  AUTH_ISSUER: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Who makes the tokens: exactly their `iss`. Absent: tokens of a development key, and the service is for this machine only.',
    ),
  AUTH_AUDIENCE: z.string().min(1).optional().describe('What the tokens are for: one of their `aud`.'),
  AUTH_JWKS_URL: z
    .string()
    .refine(isSafeUrl, KEYS_URL)
    .optional()
    .describe('Where the issuer’s public keys are (RFC 7517).'),
  AUTH_ALGORITHMS: z
    .string()
    .refine(areOf(ALGORITHMS), someOf(ALGORITHMS))
    .default('RS256,ES256')
    .describe('What tokens may be signed with.'),
  AUTH_TOKEN_TYPE: z
    .string()
    .regex(/^[A-Za-z0-9!#$&^_.+/-]{1,128}$/, 'a media type, its application/ may be left out')
    .default('at+jwt')
    .describe('The tokens’ `typ`: `at+jwt` (RFC 9068), or `JWT` of issuers that say no better.'),
  AUTH_CLOCK_SKEW_S: integer(5, 0, 300, 'How far the issuer’s clock and ours may be apart.'),
  AUTH_LONGEST_TOKEN_S: integer(
    86_400,
    60,
    2_678_400,
    'How far ahead a token may expire; one that is good for longer is refused.',
  ),
  AUTH_BRANCHES_CLAIM: z
    .string()
    .regex(CLAIM_NAME, CLAIM)
    .default('branches')
    .describe('Claim that limits writes to people of branches: an array of them. A token without it is not limited.'),
  AUTH_USER_ID_CLAIM: z
    .string()
    .regex(CLAIM_NAME, CLAIM)
    .default('user_id')
    .describe('Claim that says which user of this service the caller is.'),
  AUTH_IDENTITY_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'the name of a header')
    .optional()
    .describe(
      'Header in which a proxy that ends mutual TLS says whose certificate it saw. Absent: it is not believed.',
    ),
  AUTH_IDENTITY_PROXIES: z
    .string()
    .refine((text) => text.split(',').every(isBlock), 'addresses or CIDR blocks, separated by commas')
    .optional()
    .describe('From whose connections AUTH_IDENTITY_HEADER is believed: addresses or CIDR blocks.'),
  AUTH_IDENTITY_SCOPES: z
    .string()
    .refine(areOf(SCOPE_NAMES), someOf(SCOPE_NAMES))
    .default('users:read')
    .describe('What callers may do who are known by AUTH_IDENTITY_HEADER: scopes.'),
} as const
const Variables = z.object(AUTH_VARIABLES)

export type AuthConfig = {
  /** Null: this service signs for itself, with the development key. */
  issuer: { name: string; audience: string; jwksUrl: string } | null
  /** Where the key is, made when there is none. Null: none is used, because others could reach this service. */
  developmentKeyFile: string | null
  algorithms: Algorithm[]
  tokenType: string
  clockSkewS: number
  longestTokenS: number
  branchesClaim: string
  userIdClaim: string
  /** `header` in lower case; `proxies`: addresses and CIDR blocks. */
  identity: { header: string; proxies: string[]; scopes: ScopeName[] } | null
}

type Given = z.infer<typeof Variables> & { HOST: string; DATA_DIR: string }

export function authFrom(env: Given): AuthConfig {
  return {
    issuer: issuerFrom(env),
    developmentKeyFile: isLoopback(env.HOST) ? join(env.DATA_DIR, 'development-key.json') : null,
    algorithms: env.AUTH_ALGORITHMS.split(',') as Algorithm[],
    tokenType: env.AUTH_TOKEN_TYPE,
    clockSkewS: env.AUTH_CLOCK_SKEW_S,
    longestTokenS: env.AUTH_LONGEST_TOKEN_S,
    branchesClaim: env.AUTH_BRANCHES_CLAIM,
    userIdClaim: env.AUTH_USER_ID_CLAIM,
    identity: identityFrom(env),
  }
}

/** Refuses to serve others with a key that anybody who reads a file of ours may sign with. Throws ConfigError. */
export function requireIssuer({ auth }: { auth: Pick<AuthConfig, 'issuer' | 'developmentKeyFile'> }): void {
  if (auth.issuer !== null || auth.developmentKeyFile !== null) return
  throw new ConfigError(
    'Wrong settings. AUTH_ISSUER, AUTH_AUDIENCE, AUTH_JWKS_URL: without them HOST must be 127.0.0.1, ::1 or localhost, ' +
      'because the development key is for this machine only',
  )
}

function issuerFrom(env: Given): AuthConfig['issuer'] {
  const { AUTH_ISSUER: name, AUTH_AUDIENCE: audience, AUTH_JWKS_URL: jwksUrl } = env
  if (name !== undefined && audience !== undefined && jwksUrl !== undefined) return { name, audience, jwksUrl }
  const missing = Object.entries({ AUTH_ISSUER: name, AUTH_AUDIENCE: audience, AUTH_JWKS_URL: jwksUrl })
  refuseHalf(missing)
  return null
}

function identityFrom(env: Given): AuthConfig['identity'] {
  const { AUTH_IDENTITY_HEADER: header, AUTH_IDENTITY_PROXIES: proxies } = env
  refuseHalf(Object.entries({ AUTH_IDENTITY_HEADER: header, AUTH_IDENTITY_PROXIES: proxies }))
  if (header === undefined || proxies === undefined) return null
  const scopes = env.AUTH_IDENTITY_SCOPES.split(',') as ScopeName[]
  return { header: header.toLowerCase(), proxies: proxies.split(','), scopes }
}

function refuseHalf(together: [name: string, value: string | undefined][]): void {
  const missing = together.flatMap(([name, value]) => (value === undefined ? [name] : []))
  if (missing.length === 0 || missing.length === together.length) return
  const all = together.map(([name]) => name).join(', ')
  throw new ConfigError(`Wrong settings. ${missing.join(', ')}: missing; all of ${all} are set, or none`)
}

/** Keys that came over an open network could be anybody’s. */
function isSafeUrl(text: string): boolean {
  const url = /^https?:\/\/[^\s#]+$/.test(text) ? URL.parse(text) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host.toLowerCase() === 'localhost'
}
