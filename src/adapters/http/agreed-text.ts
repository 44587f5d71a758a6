import { z } from 'zod'

/** As long as the longest text that the users database keeps; copies and answers stay small. */
const MAX_TEXT = 255

/** One text of a neighbour's answer. */
export const AgreedText = z.string().max(MAX_TEXT)
