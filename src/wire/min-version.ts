import { z } from 'zod'

/** The least versions that an answer must show; 0 asks for nothing. */
export type MinVersion = { user: number; roles: number }
export const ANY_VERSION: MinVersion = { user: 0, roles: 0 }

// Optional blanks around the comma are what RFC 9110 section 5.6.1 allows in lists. 16 digits hold every version.
const FORM = /^user=(\d{1,16})(?:[ \t]*,[ \t]*roles=(\d{1,16}))?$/

/** `user=<n>[, roles=<n>]`; null when it is anything else. */
export function parseMinVersion(header: string): MinVersion | null {
  const match = FORM.exec(header)
  // Of what 16 digits can say, numbers lose precision only where no version ever is: whoever asks for that gets 412.
  return match && { user: Number(match[1]), roles: Number(match[2] ?? 0) }
}

const MinVersionText = z
  .string()
  .transform((text, context) => {
    const parsed = parseMinVersion(text)
    if (parsed) return parsed
    context.addIssue({ code: 'custom', message: 'must be user=<version>, or user=<version>, roles=<version>' })
    return z.NEVER
  })
  .meta({
    description: 'The versions that the caller has seen, from answers to commands: an older answer is not given.',
    examples: ['user=7', 'user=7, roles=3'],
    override: ({ jsonSchema }) => void Object.assign(jsonSchema, { type: 'string', pattern: FORM.source }),
  })

/** Spread into the headers of routes that show one user. */
export const MIN_VERSION = { 'min-version': MinVersionText.optional() }

/** Headers of a route that can't keep the promise. Silence would be taken for it, so Min-Version is refused. */
export function withoutMinVersion<Headers extends z.ZodObject>(headers: Headers): Headers {
  return headers.refine((given) => !('min-version' in given), {
    path: ['min-version'],
    error: 'is for answers that show one user',
  })
}
export const NoMinVersion = withoutMinVersion(z.looseObject({}))
