import { pino } from 'pino'
import { authenticator, type Options } from '../../src/adapters/jose/authenticator.ts'
import type { Fault } from '../../src/adapters/jose/refusal.ts'
import { refused } from '../../src/adapters/jose/refusal.ts'
import { readConfig } from '../../src/config.ts'
import type { TestIssuer } from './issuer.ts'

export const quiet = pino({ level: 'silent' })

/** An authenticator as it is wired, for this issuer. */
export function authenticatorOf(
  issuer: Pick<TestIssuer, 'environment'>,
  { environment = {}, ...options }: Partial<Options> & { environment?: Record<string, string> } = {},
) {
  const { auth } = readConfig({ ...issuer.environment, ...environment })
  return authenticator({ ...auth, log: quiet, ...options })
}

/** What `assert.rejects` is to see. */
export const refusalFor = (fault: Fault) => ({ code: 'token-invalid', message: refused(fault).message })
