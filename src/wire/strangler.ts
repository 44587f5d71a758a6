import { z } from 'zod'
import { MODES } from '../domain/strangler.ts'
import { momentAnswers, SWITCH_VISIBILITY } from './answer.ts'
import { line, Timestamp } from './fields.ts'

/** As JSON within MAX_SETTING_BYTES of the switch that keeps it, whatever its characters. */
const MAX_REASON = 255
const HUNDREDTHS = 100

/** Any id: one that there is not is no such thing (404), as with limits. */
export const RouteParam = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits or hyphens, a letter first')
  .meta({ description: 'An endpoint of the legacy application, by its id.', examples: ['get-user'] })

const ModeField = z.enum(MODES).meta({
  description:
    '`legacy`: the legacy application answers. `shadow`: that too, and what this service would have answered is compared ' +
    'with it; reads only. `canary`: this service answers `percent` of the clients. `native`: this service answers.',
})
const Percent = z
  .number()
  .gt(0)
  .max(100)
  .refine((percent) => isHundredths(percent), 'must be a number of hundredths')
  .meta({
    description: 'Of a canary: how many of the clients this service answers.',
    multipleOf: 1 / HUNDREDTHS,
    examples: [5],
  })

/** The number that is nearest to so many hundredths, and no other that is near to it. */
const isHundredths = (percent: number): boolean => Math.round(percent * HUNDREDTHS) / HUNDREDTHS === percent

export const RouteModeSetting = z
  .strictObject({
    mode: ModeField,
    percent: Percent.optional(),
    reason: line(MAX_REASON, 'Why; the audit keeps it.', 'No difference in a week'),
  })
  .superRefine(({ mode, percent }, context) => {
    const message = mode === 'canary' ? 'is required of a canary' : 'is for canaries only'
    if ((mode === 'canary') !== (percent !== undefined))
      context.addIssue({ code: 'custom', path: ['percent'], message })
  })
  .meta({
    id: 'RouteModeSetting',
    examples: [{ mode: 'canary', percent: 5, reason: 'No difference in a week' }],
    override: ({ jsonSchema }) => inTwoForms(jsonSchema),
  })

type ObjectSchema = { properties?: Record<string, unknown> }

/** For the document, in which no refinement stands: with a percentage, or without. */
function inTwoForms(schema: ObjectSchema): void {
  const { mode, percent, reason } = schema.properties ?? {}
  const form = (modes: readonly string[], more: object) => {
    const properties = { mode: { ...(mode as object), enum: modes }, ...more, reason }
    return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
  }
  for (const name of ['type', 'properties', 'required', 'additionalProperties']) Reflect.deleteProperty(schema, name)
  const others = MODES.filter((one) => one !== 'canary')
  Object.assign(schema, { oneOf: [form(['canary'], { percent }), form(others, {})] })
}

const SettingBody = z
  .object({
    ...{ mode: ModeField, percent: Percent.optional(), reason: z.string(), by: z.string(), at: Timestamp },
    judged: z
      .string()
      .optional()
      .meta({ description: 'Of one that was set back: since when that was counted which `evidence` shows.' }),
  })
  .meta({ id: 'RouteSetting', description: 'What was said of the route, for all replicas. `by` may be `parachute`.' })

const SetRouteBody = z
  .object({ route: z.string(), setting: SettingBody.nullable() })
  .meta({ id: 'SetRoute', description: '`setting` null: the start value holds.' })

/** Made anew for each route: the document keeps what it is given. */
export const setRouteAnswers = () =>
  momentAnswers('Done, or it was so already.', SetRouteBody, { visibility: SWITCH_VISIBILITY })

const Count = z.int().min(0)
const Side = z.object({ requests: Count, failed: Count, buckets: z.array(Count) })
const Paths = z.record(z.string(), Count)
const Compared = z
  .object({ equal: Count, mismatch: Count, noise: Count, race: Count, failed: Count, dropped: Count })
  .meta({
    description:
      'Comparisons by how they ended. `noise`: the legacy answer differs from itself. `race`: somebody wrote meanwhile. ' +
      '`failed`: one side did not answer. `dropped`: too many were under way.',
  })
const EvidenceBody = z
  .object({
    since: z.string().meta({ description: 'When the route was put into its mode; `start`: it never was.' }),
    legacy: Side.meta({
      description: 'Answered by the legacy application, to comparisons as well. `failed`: 5xx, or not at all.',
    }),
    native: Side.meta({
      description: 'Answered by this service. `buckets`: times by the bounds of `latencyBucketsMs`.',
    }),
    compared: Compared,
    paths: Paths.meta({ description: 'In how many mismatches answers differed there.' }),
    noise: Paths.meta({ description: 'In how many comparisons the legacy answer differed from itself there.' }),
    samples: z
      .array(
        z.object({
          at: Timestamp,
          requestId: z.string(),
          answeredBy: z.enum(['legacy', 'native']).meta({ description: 'Whose answer the client got.' }),
          differences: z.array(z.object({ path: z.string(), legacy: z.string(), native: z.string() })),
        }),
      )
      .meta({ description: 'The newest mismatches. Values are masked.' }),
  })
  .meta({
    id: 'RouteEvidence',
    description: 'Of all replicas, since the route is in its mode. Paths are JSON Pointers, `*` is any element.',
  })

export const RouteBody = z
  .object({
    route: z.string(),
    name: z.string().meta({ examples: ['GET:/users/:id'] }),
    mode: ModeField,
    percent: z.number().nullable(),
    setting: SettingBody.nullable(),
    evidence: EvidenceBody.nullable().meta({ description: 'null: nothing is known, or Redis is out of reach.' }),
  })
  .meta({ id: 'StrangledRoute' })
export type RouteBody = z.infer<typeof RouteBody>
export const RoutesBody = z
  .object({ routes: z.array(RouteBody), latencyBucketsMs: z.array(z.number()) })
  .meta({ id: 'StrangledRoutes' })
