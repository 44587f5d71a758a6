/** The other microservices that this one asks, by the names that operators know. */
export const MICROSERVICES = ['branches-service', 'people-service'] as const
export type MicroserviceName = (typeof MICROSERVICES)[number]
/** And the legacy application: each has a breaker. */
export const NEIGHBOURS = [...MICROSERVICES, 'legacy'] as const
export type NeighbourName = (typeof NEIGHBOURS)[number]

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
/** Local times, `HH:MM`; a day may have several. A day that is not listed is closed. */
export type OpeningHours = { day: (typeof WEEKDAYS)[number]; opens: string; closes: string }

/** What branches-service knows of a branch. `countryCode`: ISO 3166-1 alpha-2. `timeZone`: a name of the IANA database. */
export type Branch = {
  branchId: string
  name: string
  address: { street: string; postalCode: string; city: string; countryCode: string }
  phone: string | null
  timeZone: string
  openingHours: OpeningHours[]
}

/** What people-service knows of somebody's employment. Dates: `YYYY-MM-DD`. `leave`: the present one, or the next. */
export type Employment = {
  employeeNumber: string
  department: string
  manager: { employeeNumber: string; name: string } | null
  startDate: string
  leave: { from: string; until: string | null } | null
}

/** An operator's word, for all replicas: `open` calls nobody, `closed` calls whatever happens. */
export type ForcedState = 'open' | 'closed'
