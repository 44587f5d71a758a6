import { z } from 'zod'

const MOST_DIGITS = 9
const FORM = new RegExp(`^\\d{1,${MOST_DIGITS}}$`)

/**
 * How many milliseconds whoever asks goes on waiting. A length of time and no point in time, because clocks differ; as
 * gRPC's `grpc-timeout` (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Spread into a route's headers.
 */
export const REQUEST_DEADLINE = {
  'x-request-deadline': z
    .string()
    .regex(FORM, `must be milliseconds: 1 to ${MOST_DIGITS} digits`)
    .transform(Number)
    .optional()
    .meta({
      description:
        'For how many more milliseconds the caller waits. What other services have not said by then is left out.',
      examples: ['250'],
      override: ({ jsonSchema }) => void Object.assign(jsonSchema, { type: 'string', pattern: FORM.source }),
    }),
}
