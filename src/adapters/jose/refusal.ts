import { errors } from 'jose'
import { DomainError } from '../../domain/errors.ts'

/**
 * What is wrong with a token, for its owner. They stand in WWW-Authenticate too (RFC 6750 section 3: ASCII without quotes
 * and backslashes), and hold nothing of the token. Whoever has no key of the issuer learns no more than that.
 */
export const SENTENCES = {
  malformed: 'This is not a token that is understood here.',
  algorithm: 'This token is signed with an algorithm that is not taken here.',
  signature: 'This token is not signed with a key of the issuer.',
  type: 'This token is of another type.',
  issuer: 'This token is of another issuer.',
  audience: 'This token is for another audience.',
  expired: 'This token has expired.',
  early: 'This token is not valid yet.',
  long: 'This token is valid for too long.',
  claims: 'This token lacks a claim, or a claim is not understood here.',
} as const
export type Fault = keyof typeof SENTENCES

export function refused(fault: Fault): DomainError {
  return new DomainError('token-invalid', SENTENCES[fault])
}

const BY_CLAIM: Record<string, Fault> = { typ: 'type', iss: 'issuer', aud: 'audience', nbf: 'early' }
const BY_CODE: Record<string, Fault> = {
  [errors.JWTExpired.code]: 'expired',
  [errors.JOSEAlgNotAllowed.code]: 'algorithm',
  [errors.JWSSignatureVerificationFailed.code]: 'signature',
  [errors.JWKSNoMatchingKey.code]: 'signature',
  [errors.JWKSMultipleMatchingKeys.code]: 'signature',
}

/** Of what jose rejects with. */
export function refusalOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refused(error.reason === 'check_failed' ? (BY_CLAIM[error.claim] ?? 'claims') : 'claims')
  }
  return refused((error instanceof errors.JOSEError ? BY_CODE[error.code] : undefined) ?? 'malformed')
}
