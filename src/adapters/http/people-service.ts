import { z } from 'zod'
import type { PeopleService } from '../../ports/neighbours.ts'
import { AgreedText } from './agreed-text.ts'
import type { GuardedClient, ServiceDescription, ServiceLimits } from './guarded-client.ts'

/** Of another form nobody is known: it may mean another path, or none. Older programs write what they like. */
const EMPLOYEE_NUMBER = /^[A-Za-z0-9-]{1,32}$/

const Employment = z.object({
  employeeNumber: AgreedText.min(1),
  department: AgreedText,
  manager: z.object({ employeeNumber: AgreedText.min(1), name: AgreedText }).nullable(),
  startDate: z.iso.date(),
  leave: z.object({ from: z.iso.date(), until: z.iso.date().nullable() }).nullable(),
})
const calls = {
  employment: {
    method: 'GET',
    path: (employeeNumber: string) => `/employments/${encodeURIComponent(employeeNumber)}`,
    answer: Employment,
    none: z.object({ code: z.literal('employment-not-found') }),
    fits: (asked: string, { employeeNumber }: { employeeNumber: string }) => employeeNumber === asked,
  },
} as const

export type PeopleClient = GuardedClient<typeof calls>

export function describePeople(baseUrl: string | null, limits: ServiceLimits): ServiceDescription<typeof calls> {
  return { neighbour: 'people-service', baseUrl, limits, calls }
}

/** Of a copy that was kept: undefined when it is no such thing. */
export function employmentFrom(value: unknown, employeeNumber: string) {
  const { data } = Employment.safeParse(value)
  return data?.employeeNumber === employeeNumber ? data : undefined
}

export function peopleService(client: Pick<PeopleClient, 'call'>): PeopleService {
  return {
    async employment(employeeNumber, caller) {
      return EMPLOYEE_NUMBER.test(employeeNumber) ? client.call('employment', employeeNumber, caller) : null
    },
  }
}
