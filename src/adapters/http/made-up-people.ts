import type { Employment } from '../../domain/neighbours.ts'
import { type Draws, drawsFor } from './made-up-draws.ts'

/** As the made-up users' employee numbers are. */
const EMPLOYEE_NUMBER = /^E-(?!0+$)(?:\d{7}|[1-9]\d{7,14})$/
const DAY_MS = 86_400_000
const FIRST_START = Date.UTC(2008, 0, 1)
const LAST_START = Date.UTC(2024, 11, 31)
const LONG_LEAVE_YEAR = 2025
const LONG_LEAVE_PERCENT = 3
const YEARLY_LEAVE_PERCENT = 60
const SHORTEST_LEAVE_DAYS = 5
const LONGEST_LEAVE_DAYS = 21

const DEPARTMENTS = [
  'Checkout',
  'Fresh food',
  'Bakery',
  'Pharmacy',
  'Stock and receiving',
  'Customer service',
  'Loss prevention',
  'Online orders',
] as const

/** The first one manages the others. Their numbers are above the made-up users', who have other names in this service. */
const [DIRECTOR, ...MANAGERS] = (
  'Halina Wrońska, Ewa Lis, Marek Żurawski, Łucja Ćwik, Stanisław Śliwa, Jolanta Gęś, Bożena Krąg, Tadeusz Młynarz, ' +
  'Iga Dębska, Radosław Pająk, Jürgen Hoß, Renate Köhler, Jiří Vlček, Věra Šípková, Rūta Žukaitė, Päivi Hämäläinen, ' +
  'João Magalhães, Inês Conceição, Nuria Cañadas, Franz Größl'
)
  .split(', ')
  .map((name, index) => ({ employeeNumber: `E-90000${String(index + 1).padStart(2, '0')}`, name }))
const MANAGEMENT = new Set([DIRECTOR, ...MANAGERS].map((manager) => manager?.employeeNumber))

/** What people-service would say on `today` of whoever has this number. null: nobody has. Only leave depends on the day. */
export function madeUpEmployment(employeeNumber: string, today: Date): Employment | null {
  if (!EMPLOYEE_NUMBER.test(employeeNumber)) return null
  const draws = drawsFor(employeeNumber)
  const days = Math.floor((LAST_START - FIRST_START) / DAY_MS) + 1
  return {
    employeeNumber,
    department: MANAGEMENT.has(employeeNumber) ? 'Management' : draws.pick('department', DEPARTMENTS),
    manager: managerOf(employeeNumber, draws),
    startDate: dateOf(FIRST_START + draws.below('start', days) * DAY_MS),
    leave: leaveOf(draws, today.getTime()),
  }
}

function managerOf(employeeNumber: string, draws: Draws): Employment['manager'] {
  if (!MANAGEMENT.has(employeeNumber)) return draws.pick('manager', MANAGERS)
  return DIRECTOR === undefined || employeeNumber === DIRECTOR.employeeNumber ? null : DIRECTOR
}

/** A long one, until further notice; or some weeks each year, of which the present or next ones are shown; or none. */
function leaveOf(draws: Draws, now: number): Employment['leave'] {
  const day = draws.below('leave', 365)
  if (draws.happens('long leave', LONG_LEAVE_PERCENT)) {
    return { from: dateOf(Date.UTC(LONG_LEAVE_YEAR, 0, 1 + day)), until: null }
  }
  if (!draws.happens('yearly leave', YEARLY_LEAVE_PERCENT)) return null
  const days = SHORTEST_LEAVE_DAYS + draws.below('days of leave', LONGEST_LEAVE_DAYS - SHORTEST_LEAVE_DAYS + 1)
  const today = dateOf(now)
  const lastYear = new Date(now).getUTCFullYear() - 1
  // One of the turn of the year may still last.
  const leaves = [0, 1, 2].map((later) => {
    const from = Date.UTC(lastYear + later, 0, 1 + day)
    return { from: dateOf(from), until: dateOf(from + (days - 1) * DAY_MS) }
  })
  return leaves.find(({ until }) => until >= today) ?? null
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
