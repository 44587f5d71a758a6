import { z } from 'zod'
import { Environment, VARIABLES } from './config.ts'

export type Setting = { name: string; fallback: string | null; meaning: string; allowed: string }

/** Every variable with default and meaning, for `users-service config` and docs/configuration.md. */
export function settings(): Setting[] {
  const schema = z.toJSONSchema(Environment, { io: 'input', unrepresentable: 'any' })
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const {
      default: fallback,
      description,
      enum: values,
    } = property as { default?: string; description?: string; enum?: string[] }
    const variable = VARIABLES[name as keyof typeof VARIABLES]
    return {
      name,
      fallback: fallback ?? null,
      meaning: description ?? variable.description ?? '',
      allowed: values ? values.join(', ') : allowedOf(variable),
    }
  })
}

/** What the check itself says when it refuses: the same words in the document and in the error. */
function allowedOf(variable: z.ZodType): string {
  const refused = variable.safeParse('\0')
  return refused.success ? 'any text' : (refused.error.issues[0]?.message ?? '')
}
