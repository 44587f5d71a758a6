import { refused } from './refusal.ts'

/** Of a token. Node takes 16 KiB of headers in all (app.ts). */
export const MAX_TOKEN_BYTES = 8_192

/** RFC 9110 section 11.1: the scheme's case does not count. RFC 7519 section 3: three parts, URL-safe base64. */
const BEARER = /^bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i
const MAX_SCHEME_BYTES = 16

/** The token of an Authorization header. Throws `token-invalid`. */
export function bearerToken(authorization: string): string {
  if (authorization.length > MAX_TOKEN_BYTES + MAX_SCHEME_BYTES) throw refused('malformed')
  const token = BEARER.exec(authorization)?.[1]
  if (token === undefined || token.length > MAX_TOKEN_BYTES || !isCanonical(token)) throw refused('malformed')
  return token
}

/** RFC 4648 section 3.5: of several last characters that decode alike one is right. The others of a token are signed. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return Buffer.from(signature, 'base64url').toString('base64url') === signature
}
