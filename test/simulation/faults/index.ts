import type { PlantedFault } from './fault.ts'
import { IN_NEAR_CACHES } from './in-near-caches.ts'
import { IN_READ_MODELS } from './in-read-models.ts'
import { IN_SCRIPTS } from './in-scripts.ts'

/** What the simulation must see. */
export const FAULTS: PlantedFault[] = [...IN_SCRIPTS, ...IN_READ_MODELS, ...IN_NEAR_CACHES]
