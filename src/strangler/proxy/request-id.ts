import { randomUUID } from 'node:crypto'
import { type RawHeaders, valuesOf } from './raw-headers.ts'

/** As src/plugins/request-id.ts has it: it goes into logs. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/

/** Of what comes past the framework: the client's own when it is sane, else a new one. */
export function requestIdOf(rawHeaders: RawHeaders): string {
  const given = valuesOf(rawHeaders, 'x-request-id')
  return SANE.test(given) ? given : randomUUID()
}
