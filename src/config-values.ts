import { z } from 'zod'

/** A setting that is a whole number. */
export const integer = (fallback: number, min: number, max: number, description: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number, ${min} to ${max}`)
    .default(String(fallback))
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a whole number, ${min} to ${max}`)
    .describe(description)

/** The same, where absent means something of its own. */
export const optionalInteger = (min: number, max: number, description: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number, ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a whole number, ${min} to ${max}`)
    .optional()
    .describe(description)

/** A variable with a value that is not allowed. The value itself stands in no message: it may be a secret. */
export class ConfigError extends Error {}

/** For threads, which find what Node has compiled only by this variable. What is set already stays. */
export function compileCacheIn(environment: NodeJS.ProcessEnv) {
  return (folder: string): void => {
    environment.NODE_COMPILE_CACHE ??= folder
  }
}
