import { z } from 'zod'
import { asInteger, Timestamp } from './fields.ts'
import { DEFAULT_PAGE, LimitParam, MAX_PAGE } from './page.ts'
import { GrantBody } from './user.ts'

export const HistoryLimit = LimitParam.meta({
  description: `How many entries a page holds at most (${DEFAULT_PAGE} when absent).`,
  override: asInteger(1, MAX_PAGE, { default: DEFAULT_PAGE }),
})

const Value = (description: string) =>
  z.union([z.string(), z.int(), GrantBody, z.null()]).meta({ description, examples: ['Cashier'] })

export const ChangeBody = z
  .object({
    field: z.string().meta({
      description:
        'As the user has it; a limit as `limits.<name>`, a preference as `preferences.<key>`. `branches` and `roles`: one that was added, or taken away.',
      examples: ['jobTitle'],
    }),
    before: Value('What it was; null: it was not there.'),
    after: Value('What it became; null: it is not there any more.'),
    masked: z
      .literal(true)
      .optional()
      .meta({ description: 'Only when it is so: both values are left out, they are for the scope `users:pii`.' }),
  })
  .meta({ id: 'FieldChange', description: 'What became of one field.' })

export const HistoryEntry = z
  .object({
    seq: z
      .int()
      .min(1)
      .nullable()
      .meta({
        description:
          '1, 2, … without a gap, as `users-service audit verify` names it. null: written before entries were chained; nothing shows that it is true, and what a field was before is not known.',
        examples: [7],
      }),
    at: Timestamp,
    type: z.string().meta({ description: 'What happened.', examples: ['details-changed'] }),
    by: z
      .object({
        subject: z.string().meta({ description: 'Who asked for it.', examples: ['hr-system'] }),
        client: z
          .string()
          .nullable()
          .meta({ description: 'The program that asked for them, if it is known.', examples: ['backoffice'] }),
      })
      .meta({ id: 'AuditedBy' }),
    from: z.string().meta({ description: 'Which address it was asked from; `-`: erased.', examples: ['10.0.0.7'] }),
    requestId: z.string().meta({ examples: ['1f1e0b55-3bcf-47d0-928d-af6fd5430b0a'] }),
    changes: z
      .array(ChangeBody)
      .nullable()
      .meta({ description: 'The fields that changed. null: what was said was erased, or cannot be read.' }),
  })
  .meta({ id: 'HistoryEntry', description: 'One thing that happened to a user.' })
export type HistoryEntry = z.infer<typeof HistoryEntry>

export const HistoryPage = z
  .object({
    items: z.array(HistoryEntry),
    nextCursor: z.string().nullable().meta({ description: 'Null on the last page.' }),
  })
  .meta({ id: 'HistoryPage' })
