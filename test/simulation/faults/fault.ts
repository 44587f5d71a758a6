import type { Fault } from '../planting.ts'
import type { ClientStep, Program } from '../program.ts'

export type PlantedFault = Fault & {
  name: string
  /** One that finds it soon. */
  seed: number
  violates: string[]
  /** What must come together for it to be seen, where chance would seldom bring it about. */
  given?: Partial<Program>
}

/** One user, and none of what is not said. */
export const LITTLE: Program = {
  pool: [1],
  warm: true,
  isOld: false,
  twoSchemas: false,
  nearCaches: false,
  clients: [],
  foreign: [],
  workers: [],
  trouble: [],
}
export function byId(via: number, after?: string): ClientStep {
  return { do: 'byId', user: 0, via, careful: false, ...(after === undefined ? {} : { after }) }
}
