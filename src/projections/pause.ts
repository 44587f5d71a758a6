import { setTimeout } from 'node:timers/promises'

/** Lets time pass; `signal` ends it early, with a rejection. Given from outside where a test decides when it has passed. */
export type Pause = (ms: number, signal?: AbortSignal) => Promise<unknown>

export const pause: Pause = (ms, signal) => setTimeout(ms, undefined, signal ? { signal } : {})
