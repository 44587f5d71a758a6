import type { FastifyInstance } from 'fastify'
import { z } from 'zod'

const Count = z.int().nonnegative()
const Milliseconds = z.number().nonnegative()
const Counts = z.record(z.string(), Count)

const Report = z
  .object({
    state: z
      .enum(['measured', 'alarm', 'unmeasured'])
      .meta({ description: '`alarm`: Redis is ahead of the database. `unmeasured`: nobody has been drawn yet.' }),
    windowHours: Count.meta({ description: 'How far back `sample` and `staleness` reach.' }),
    sample: z
      .object({
        checked: Count,
        differing: Count,
        moving: Count.meta({ description: 'Differed at first sight and were in order soon after: work in flight.' }),
        share: z.number().nullable().meta({ description: 'Of those in order, as measured.' }),
        atLeast: z.number().meta({
          description:
            'The share in order that this supports at 95 % confidence: with none found among n, 1 - 3/n (the rule of three).',
        }),
        nines: z.number().meta({ description: '`atLeast` as a number of nines, rounded down.' }),
        confidence: z.literal(0.95),
      })
      .meta({ description: 'Users drawn by chance and compared with the database.' }),
    staleness: z
      .object({
        changes: Count,
        p50Ms: Milliseconds.nullable(),
        p99Ms: Milliseconds.nullable(),
        maxMs: Milliseconds.nullable(),
      })
      .meta({ description: 'From a change in the database until the read models had it.' }),
    oldestUnprojectedMs: Milliseconds.nullable().meta({
      description: 'What was committed longer ago than this is in the read models; null while that is not known.',
    }),
    waiting: Count.nullable().meta({
      description:
        'Messages on their way over Kafka; null where changes come another way, or nobody has counted of late.',
    }),
    feed: Counts.meta({
      description:
        'Changes tried again, parked, or no longer held when done; messages that nobody understood; times that all had to wait.',
    }),
    found: Counts.meta({ description: 'Differences by cause, since this Redis was begun.' }),
    mended: Counts.meta({ description: 'Those of them that have been put right.' }),
    walk: z
      .object({ endedAt: z.string(), ms: Milliseconds, checked: Count, differing: Count, moving: Count })
      .nullable()
      .meta({ description: 'The last time that everybody was compared.' }),
    sinceSampleMs: Milliseconds.nullable().meta({ description: 'Since users were last drawn; null: not yet.' }),
    sinceWalkMs: Milliseconds.nullable().meta({ description: 'Since everybody was last compared; null: not yet.' }),
    ahead: z
      .array(Count)
      .meta({ description: 'Partitions whose lists are off because Redis is ahead of the database.' }),
  })
  .meta({ id: 'Consistency' })
const Unknown = z.object({ state: z.literal('unknown'), why: z.string() }).meta({ id: 'ConsistencyUnknown' })

export type ConsistencyDeps = { consistency(): Promise<z.infer<typeof Report>> }

export function registerConsistency(app: FastifyInstance, { consistency }: ConsistencyDeps): void {
  app.get('/health/consistency', {
    config: { scope: null },
    schema: {
      tags: ['operation'],
      operationId: 'howConsistent',
      summary: 'How right are the read models?',
      description: 'What the auditor has measured. It stands in Redis, and is gone with it.',
      response: {
        200: { description: 'As measured.', content: { 'application/json': { schema: Report } } },
        503: { description: 'Redis is out of reach.', content: { 'application/json': { schema: Unknown } } },
      },
    },
    handler: async (_request, reply) => {
      reply.type('application/json').header('cache-control', 'no-store')
      const report = await consistency().catch(() => null)
      if (report) return reply.send(JSON.stringify(report))
      return reply.code(503).send(JSON.stringify({ state: 'unknown', why: 'Redis, where it stands, is out of reach.' }))
    },
  })
}
