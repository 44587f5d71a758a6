/** `ratePerSecond`: where times are taken, well below what the slowest can do. */
export type Pace = { seconds: number; rounds: number; ratePerSecond: number }
export const RATE_PER_SECOND = 500
/** Flat out, before the first round: so long it takes until most of what runs has been compiled. */
export const WARM_UP_SECONDS = 3
