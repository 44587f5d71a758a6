import { z } from 'zod'

/**
 * What stands beside a committed offset: how far the log was known to hold everything there, and which of its first
 * messages a worker had in hand that was never heard of again (`tries` in vain, up to the offset `until`).
 */
export type Note = { mark: string | null; stream: string; token: number; tries: number; until: number }

export const NO_NOTE: Note = { mark: null, stream: '', token: 0, tries: 0, until: 0 }

const Stored = z.object({
  mark: z.string().nullable(),
  stream: z.string(),
  token: z.number(),
  tries: z.number(),
  until: z.number(),
})

export const writeNote = (note: Note): string => JSON.stringify(note)

/** What cannot be read says nothing. */
export function readNote(text: string): Note {
  try {
    return Stored.parse(JSON.parse(text))
  } catch {
    return NO_NOTE
  }
}
