import type { Branch } from '../../domain/neighbours.ts'
import { type Draws, drawsFor } from './made-up-draws.ts'
import { PLACES, type Place } from './made-up-places.ts'

/** As the made-up users' branches are numbered. */
const BRANCH_ID = /^B(?!000)\d{3}$/
const HAS_PHONE_PERCENT = 90
const HIGHEST_HOUSE_NUMBER = 140

/** What branches-service would say of a branch with this id: always the same. null: there is none. */
export function madeUpBranch(branchId: string): Branch | null {
  if (!BRANCH_ID.test(branchId)) return null
  const draws = drawsFor(branchId)
  const place = placeOf(branchId)
  return {
    branchId,
    name: `${place.city} ${draws.pick('quarter', place.quarters)}`,
    address: {
      street: `${draws.pick('street', place.streets)} ${1 + draws.below('house', HIGHEST_HOUSE_NUMBER)}`,
      postalCode: filledIn(place.postalCode, draws),
      city: place.city,
      countryCode: place.countryCode,
    },
    phone: draws.happens('a phone', HAS_PHONE_PERCENT) ? phoneOf(draws) : null,
    timeZone: place.timeZone,
    openingHours: draws.pick('week', place.weeks),
  }
}

/** In turn, so that each town has as many branches as the others; the first ones are in Poland, as user 1's are. */
function placeOf(branchId: string): Place {
  const place = PLACES[(Number(branchId.slice(1)) - 1) % PLACES.length]
  if (!place) throw new RangeError('there are no places')
  return place
}

function filledIn(pattern: string, draws: Draws): string {
  return pattern.replace(/#/g, (_, at: number) => String(draws.below(`digit ${at}`, 10)))
}

/** As the made-up users' own: 555-01xx is set aside for fiction, and few countries have such numbers. */
function phoneOf(draws: Draws): string {
  return `+1 ${201 + draws.below('area', 700)} 555 01${String(draws.below('line', 100)).padStart(2, '0')}`
}
