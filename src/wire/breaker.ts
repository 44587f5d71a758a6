import { z } from 'zod'
import { type ForcedState, NEIGHBOURS } from '../domain/neighbours.ts'
import { momentAnswers, SWITCH_VISIBILITY } from './answer.ts'
import { line, Timestamp } from './fields.ts'

/** As JSON within MAX_SETTING_BYTES of the switch that keeps it, whatever its characters. */
const MAX_REASON = 255

/** Any name: one that there is not is no such thing (404), as with limits. */
export const NeighbourParam = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 lower-case letters, digits or hyphens')
  .meta({ description: `Another service that this one asks: ${NEIGHBOURS.join(', ')}.`, examples: [NEIGHBOURS[0]] })

const FORCED_STATES = ['open', 'closed'] as const satisfies ForcedState[]
const Forced = z
  .enum(FORCED_STATES)
  .meta({ description: '`open`: it is not asked at all. `closed`: it is asked, however ill it seems.' })

export const BreakerForcing = z
  .strictObject({ forced: Forced, reason: line(MAX_REASON, 'Why; the audit keeps it.', 'Maintenance until 22:00') })
  .meta({ id: 'BreakerForcing', examples: [{ forced: 'open', reason: 'Maintenance until 22:00' }] })

const OverrideBody = z
  .object({ to: Forced, reason: z.string(), by: z.string(), at: Timestamp })
  .meta({ id: 'BreakerOverride', description: 'What an operator has said, for all replicas.' })
const Neighbour = z.enum(NEIGHBOURS)

const ForcedBreakerBody = z
  .object({ neighbour: Neighbour, forced: OverrideBody.nullable() })
  .meta({ id: 'ForcedBreaker', description: '`forced` null: the breaker decides by itself.' })

/** Made anew for each route: the document keeps what it is given. */
export const forcedBreakerAnswers = () =>
  momentAnswers('Done, or it was so already.', ForcedBreakerBody, { visibility: SWITCH_VISIBILITY })

const BreakerBody = z
  .object({
    neighbour: Neighbour,
    state: z.enum(['closed', 'half-open', 'open', 'not-configured']).meta({
      description: 'In the replica that answers. `not-configured`: nobody has said where the neighbour is.',
    }),
    forced: OverrideBody.nullable(),
    since: Timestamp.nullable().meta({
      description: 'Since when the neighbour has been asked, or has not; half open, it is not.',
    }),
  })
  .meta({ id: 'Breaker' })
export type BreakerBody = z.infer<typeof BreakerBody>
export const BreakersBody = z
  .object({ breakers: z.array(BreakerBody) })
  .meta({ id: 'Breakers', description: 'One each, also where nobody has said where the neighbour is.' })
